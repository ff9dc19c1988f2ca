#include "mime/mail_date.h"

#include <gmime/gmime.h>

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/c_handle.h"

namespace authmilter {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
/// The longest that is given to GMime: a date has 31 octets, and a comment may stand behind it.
constexpr std::size_t kMostOctets = 100;

}  // namespace

std::optional<std::int64_t> parse_mail_date(std::string_view text) {
  const std::string value(text.substr(0, kMostOctets));
  const CHandle<GDateTime, g_date_time_unref> date(g_mime_utils_header_decode_date(value.c_str()));
  if (!date) return std::nullopt;
  const std::int64_t seconds = g_date_time_to_unix(date.get());
  if (seconds < 0) return std::nullopt;
  return seconds;
}

std::string mail_date(std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", kDays[weekday(day).c_encoding()],
                     unsigned{date.day()}, kMonths[unsigned{date.month()} - 1], int{date.year()},
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace authmilter
