#include "report_sending/bounces.h"

#include <algorithm>

#include <fmt/format.h>

#include <authmilter/report_row.h>

namespace authmilter {

std::int64_t rest_after(const Bounce& bounce) {
  constexpr std::int64_t kFirstDays = 3;
  constexpr std::int64_t kMostDays = 30;
  if (bounce.times == 0) return 0;
  const unsigned doublings = std::min(bounce.times - 1, 4U);
  return std::min(kFirstDays << doublings, kMostDays) * kDaySeconds;
}

std::string left_alone(const std::vector<Bounce>& bounces, std::string_view destination,
                       std::int64_t now) {
  const auto found = std::find_if(bounces.begin(), bounces.end(), [&](const Bounce& bounce) {
    return bounce.destination == destination;
  });
  if (found == bounces.end()) return {};
  const std::int64_t until = found->last + rest_after(*found);
  if (now >= until) return {};
  return fmt::format("left alone for another {} h: reports came back, {} in all{}",
                     (until - now + 3599) / 3600, found->times,
                     found->detail.empty() ? "" : ", the last with: " + found->detail);
}

}  // namespace authmilter
