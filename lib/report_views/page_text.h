#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <authmilter/report_row.h>

namespace authmilter {

/// Text in HTML, between tags and in quoted attributes.
std::string html_text(std::string_view text);
/// A JSON string with its quotes, fit for a script element and for JavaScript: no "<", no "&", no
/// U+2028.
std::string json_text(std::string_view text);
/// "1,234,567"
std::string grouped(std::uint64_t number);
/// "98.7 %", "0 %"; empty without messages. Nothing is rounded to all or none.
std::string percent_text(std::uint64_t part, std::uint64_t all);
/// "2026-11-29"
std::string day_text(ReportDay day);
/// Of seconds since 1970.
std::string time_day_text(std::int64_t time);

}  // namespace authmilter
