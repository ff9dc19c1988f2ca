#pragma once

#include <cstdint>
#include <string>

#include <authmilter/report_row.h>

namespace authmilter {

// How numbers and days of reports are written, on a page and at a terminal. Pure.

/// "98.7 %", "0 %"; empty without messages. Nothing is rounded to all or none.
std::string percent_text(std::uint64_t part, std::uint64_t all);
/// "2026-11-29"; a day outside of 1970 to 9999 is the nearest one.
std::string day_text(ReportDay day);
/// The same of seconds since 1970.
std::string time_day_text(std::int64_t time);

}  // namespace authmilter
