#include "report_views/page_text.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace authmilter {
namespace {

constexpr ReportDay kLastDay = 2'932'896;  // 9999-12-31

}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // A NUL is an error of HTML, other controls are nothing to see.
        out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return out;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    const bool markup = c == '<' || c == '>' || c == '&';
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[at];
    } else if (c < ' ' || c == 0x7f || markup) {
      out += fmt::format("\\u{:04x}", c);
    } else if (text.substr(at, 3) == "\xe2\x80\xa8" || text.substr(at, 3) == "\xe2\x80\xa9") {
      // U+2028 and U+2029 end lines in JavaScript before ECMAScript 2019.
      out += text[at + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out + '"';
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

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
