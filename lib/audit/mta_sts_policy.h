#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter {

/// Tokens of the policy file.
enum class MtaStsMode : std::uint8_t { enforce, testing, none };
std::string_view to_string(MtaStsMode mode);

/// A policy of MTA-STS (RFC 8461 section 3.2).
struct MtaStsPolicy {
  MtaStsMode mode = MtaStsMode::none;
  std::uint32_t max_age = 0;    // seconds
  std::vector<std::string> mx;  // host names, or "*." and a domain; lower case
  bool operator==(const MtaStsPolicy&) const = default;

  /// RFC 8461 section 4.1: "*." stands for one label.
  bool has_mx(std::string_view host) const;
};

/// The error says which line is wrong, and reads behind "the policy".
Result<MtaStsPolicy> parse_mta_sts_policy(std::string_view text);

}  // namespace authmilter
