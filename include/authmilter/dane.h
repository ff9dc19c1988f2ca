#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_record.h>

namespace authmilter {

/// What one TLSA record comes to for a chain that was served (RFC 6698, RFC 7671, RFC 7672).
enum class TlsaState : std::uint8_t {
  matches,
  differs,          // the digest or the data is another's
  issuer_not_sent,  // usage 2, and no certificate of the chain is the one that is named
  name_or_date,     // usage 2 matches, but the name or the dates do not
  weaker_digest,    // not looked at: a stronger matching type stands beside it (RFC 7671 section 9)
  unusable,  // usages 0 and 1 (RFC 7672 section 3.1.3), unknown numbers, data of a wrong length
};
std::string_view to_string(TlsaState state);

/// verified: mail goes. failed: DANE senders keep it back. unusable_only: TLS or no mail, but
/// nobody is authenticated.
enum class DaneState : std::uint8_t { verified, failed, unusable_only };
std::string_view to_string(DaneState state);

struct DaneMatch {
  DaneState state = DaneState::failed;
  std::vector<TlsaState> records;  // as many as were given, in their order
};

/// As Postfix and OpenSSL judge at `now`: `chain` in DER, the server's own certificate first;
/// `names` are those that a usage 2 certificate may have (RFC 7672 section 3.2.2). Pure; no records
/// is a std::logic_error.
DaneMatch match_tlsa(std::span<const std::string> chain, std::span<const TlsaRecord> records,
                     std::span<const std::string> names, std::int64_t now);

}  // namespace authmilter
