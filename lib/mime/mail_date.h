#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace authmilter {

/// The seconds since 1970 of a Date field's value (RFC 5322 section 3.3), as GMime reads it, which
/// is generous. Nothing for what is none, and for years before 1970.
std::optional<std::int64_t> parse_mail_date(std::string_view text);

/// A Date field's value in UTC: "Sat, 29 Nov 2026 10:00:00 +0000".
std::string mail_date(std::int64_t seconds);

}  // namespace authmilter
