#include "log/repeat_limit.h"

namespace authmilter {
namespace {

constexpr std::size_t kLinesPerPeriod = 10;
constexpr std::chrono::seconds kPeriod{60};
// Lines are literals of this program, so there are few; the limit is for those that are not.
constexpr std::size_t kKinds = 256;

}  // namespace

RepeatLimit::Verdict RepeatLimit::check(std::string_view line, Time now) {
  auto at = counts_.find(line);
  if (at == counts_.end()) {
    if (counts_.size() >= kKinds) counts_.clear();
    at = counts_.emplace(line, Count{.since = now}).first;
  }
  Count& count = at->second;
  std::size_t held_back = 0;
  if (now - count.since >= kPeriod) {
    held_back = count.held_back;
    count = {.since = now};
  }
  if (count.written >= kLinesPerPeriod) {
    ++count.held_back;
    return {};
  }
  ++count.written;
  return {.write = true, .held_back = held_back};
}

}  // namespace authmilter
