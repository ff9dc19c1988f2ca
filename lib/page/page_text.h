#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace authmilter {

/// A text as UTF-8: octets that are none of it become U+FFFD. Strangers write what pages show.
std::string valid_utf8(std::string_view text);
/// Text in HTML, between tags and in quoted attributes.
std::string html_text(std::string_view text);
/// A JSON string with its quotes, fit for a script element and for JavaScript: no "<", no "&", no
/// U+2028.
std::string json_text(std::string_view text);
/// The policy of a page's meta element (CSP Level 3): nothing is fetched, and nothing inline runs
/// but this style and this script, which may be empty.
std::string content_security_policy(std::string_view style, std::string_view script);
/// A quoted field of CSV (RFC 4180 section 2). What a spreadsheet would take for a formula is made
/// text by a quote: strangers choose it.
std::string csv_field(std::string_view text);
/// "1,234,567"
std::string grouped(std::uint64_t number);

}  // namespace authmilter
