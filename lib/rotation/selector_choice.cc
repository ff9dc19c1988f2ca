#include <authmilter/rotation.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace authmilter {
namespace {

using std::chrono::seconds;

/// The pattern on the day of `now`, in UTC.
Result<std::string> on_day(const std::string& pattern, std::int64_t now) {
  const std::chrono::sys_seconds time{seconds(now)};
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  const int year = static_cast<int>(day.year());
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      text += pattern[i];
      continue;
    }
    const char kind = ++i < pattern.size() ? pattern[i] : '\0';
    switch (kind) {
      case 'Y':
        text += fmt::format("{:04}", year);
        break;
      case 'y':
        text += fmt::format("{:02}", year % 100);
        break;
      case 'm':
        text += fmt::format("{:02}", static_cast<unsigned>(day.month()));
        break;
      case 'd':
        text += fmt::format("{:02}", static_cast<unsigned>(day.day()));
        break;
      default:
        return Error{fmt::format("\"{}\": of % only %Y, %y, %m and %d are known", pattern)};
    }
  }
  return text;
}

bool holds(const std::vector<Selector>& selectors, const Selector& selector) {
  return std::find(selectors.begin(), selectors.end(), selector) != selectors.end();
}

}  // namespace

Result<Selector> dated_selector(const std::string& pattern, std::int64_t now,
                                const std::vector<Selector>& taken) {
  const auto text = on_day(pattern, now);
  if (!text) return text.error();
  const auto plain = Selector::of_own_key(*text);
  if (!plain || !holds(taken, *plain)) return plain;
  for (char letter = 'b'; letter <= 'z'; ++letter) {
    const auto selector = Selector::of_own_key(*text + letter);
    if (!selector || !holds(taken, *selector)) return selector;
  }
  return Error{
      fmt::format("\"{}\": this selector and those with a letter behind it are all taken", *text)};
}

Result<Selector> ring_selector(const std::vector<std::string>& ring, const DomainKeys& keys) {
  // From behind the name that came last, so that each rests for as long as it can.
  std::size_t first = 0;
  std::int64_t latest = -1;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const auto selector = Selector::of_own_key(ring[i]);
    if (!selector) return selector;
    const KeyLife* holder = keys.find(*selector);
    const bool newest = holder != nullptr && holder->since >= latest &&
                        (holder->state == KeyState::active || holder->state == KeyState::pending);
    if (!newest) continue;
    latest = holder->since;
    first = i + 1;
  }
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const auto selector = *Selector::of_own_key(ring[(first + i) % ring.size()]);
    const KeyLife* holder = keys.find(selector);
    const bool free =
        holder == nullptr ||
        (holder->state == KeyState::retired &&
         (holder->published == Publication::revoked || holder->published == Publication::missing));
    if (free) return selector;
  }
  return Error{fmt::format("{}: every selector of the ring is in use, or its old record stands yet",
                           keys.domain.text())};
}

}  // namespace authmilter
