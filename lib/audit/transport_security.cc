#include "audit/transport_security.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// `"31536000"` or `31536000`.
std::optional<std::uint64_t> seconds_of(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) return std::nullopt;
  std::uint64_t seconds = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  // More than there is room for is for ever.
  return failure == std::errc() ? seconds : UINT64_MAX;
}

}  // namespace

std::optional<std::uint64_t> transport_security_age(std::string_view field) {
  std::optional<std::uint64_t> age;
  for (const std::string_view part : split(field, ';')) {
    const std::string_view directive = trim_wsp(part);
    const std::size_t equals = directive.find('=');
    if (!equals_ignoring_case(trim_wsp(directive.substr(0, equals)), "max-age")) continue;
    // RFC 6797 section 6.1: a directive appears once.
    if (age || equals == std::string_view::npos) return std::nullopt;
    age = seconds_of(trim_wsp(directive.substr(equals + 1)));
    if (!age) return std::nullopt;
  }
  return age;
}

}  // namespace authmilter
