#include <authmilter/report_text.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace authmilter {
namespace {

constexpr ReportDay kLastDay = 2'932'896;  // 9999-12-31

}  // namespace

std::string percent_text(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return {};
  if (part == 0) return "0 %";
  if (part >= all) return "100 %";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(all);
  if (percent < 0.1) return "<0.1 %";
  if (percent > 99.9) return ">99.9 %";
  return fmt::format("{:.1f} %", percent);
}

std::string time_day_text(std::int64_t time) {
  const std::int64_t day = time / kDaySeconds;
  return day_text(static_cast<ReportDay>(std::clamp<std::int64_t>(day, 0, kLastDay)));
}

std::string day_text(ReportDay day) {
  day = std::clamp(day, 0, kLastDay);
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace authmilter
