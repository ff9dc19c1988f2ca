#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// What keeps a key in a token from signing.
enum class TokenFault : std::uint8_t {
  away,     // the token is not there, or gives errors: it may come back by itself
  slow,     // it does not answer in time
  refused,  // what the configuration says of the token does not fit it: its PIN, its module
  key,      // the same of the key
};
inline constexpr std::size_t kTokenFaults = 4;
std::string_view to_string(TokenFault fault);

/// That a token, or a key in one, has begun or ended to be of no use. For the log.
struct TokenEvent {
  enum class Kind : std::uint8_t { failed, recovered };
  Kind kind = Kind::failed;
  std::string subject;  // the token, or the key's URI without what is behind its "?"
  std::string reason;   // empty for `recovered`
  bool operator==(const TokenEvent&) const = default;
};

/// What has become of the tokens of a ring since it was asked for the last time.
struct TokenHealth {
  std::vector<TokenEvent> events;
  std::array<std::uint64_t, kTokenFaults> failures{};  // to sign, by TokenFault
  std::size_t unavailable_keys = 0;                    // now
};

/// A call into a library of a token did not come back, and a thread was left in it. From then on
/// the process must end without exit() and without a return from main(), which take from that
/// thread what it uses. Thread-safe.
bool token_threads_hang();

}  // namespace authmilter
