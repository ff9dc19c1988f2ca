#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace authmilter {

/// Text in HTML, between tags and in quoted attributes.
std::string html_text(std::string_view text);
/// A JSON string with its quotes, fit for a script element and for JavaScript: no "<", no "&", no
/// U+2028.
std::string json_text(std::string_view text);
/// "1,234,567"
std::string grouped(std::uint64_t number);

}  // namespace authmilter
