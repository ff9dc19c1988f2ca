#include <authmilter/rotation.h>

#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace authmilter {
namespace {

/// The digits of `text` at `at`, of which there are `count`; nothing where there are others.
std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  unsigned number = 0;
  const char* end = text.data() + at + count;
  const auto read = std::from_chars(text.data() + at, end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::string print_utc(std::int64_t time) {
  const std::chrono::sys_seconds whole{std::chrono::seconds(time)};
  const auto midnight = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day day(midnight);
  const auto rest = (whole - midnight).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     rest / 3600, rest / 60 % 60, rest % 60);
}

std::optional<std::int64_t> parse_utc(std::string_view text) {
  using namespace std::chrono;
  const auto y = digits(text, 0, 4);
  const auto m = digits(text, 5, 2);
  const auto d = digits(text, 8, 2);
  if (!y || !m || !d || text[4] != '-' || text[7] != '-') return std::nullopt;
  const year_month_day date(year(static_cast<int>(*y)), month(*m), day(*d));
  if (!date.ok()) return std::nullopt;
  const auto midnight = sys_days(date).time_since_epoch();
  const std::int64_t start = duration_cast<seconds>(midnight).count();
  if (text.size() == 10) return start;
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  const bool good = text.size() == 20 && text[10] == 'T' && text[13] == ':' && text[16] == ':' &&
                    text[19] == 'Z' && hour && minute && second && *hour < 24 && *minute < 60 &&
                    *second < 60;
  if (!good) return std::nullopt;
  return start + std::int64_t{*hour} * 3600 + *minute * 60 + *second;
}

}  // namespace authmilter
