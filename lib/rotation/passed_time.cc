#include <authmilter/rotation.h>

#include <algorithm>
#include <chrono>

namespace authmilter {

using std::chrono::seconds;

seconds passed_between(const Moment& before, const Moment& now) {
  if (before.time == 0) return seconds(0);
  const seconds by_clock(std::max<std::int64_t>(0, now.time - before.time));
  if (now.simulated) return by_clock;
  // Neither a run that is not known nor a simulated time tells what has really passed since.
  if (now.boot.empty() || before.boot.empty()) return seconds(0);
  if (now.boot == before.boot)
    return seconds(std::max<std::int64_t>(0, now.uptime - before.uptime));
  // Whatever the clock did meanwhile, the new run has lasted for so long. The clock is not believed
  // beyond that, but below it: another host's look may have been a minute ago.
  return std::min(by_clock, seconds(std::max<std::int64_t>(0, now.uptime)));
}

bool not_before(const Moment& look, const Moment& began) {
  if (!began.boot.empty() && look.boot == began.boot) return look.uptime >= began.uptime;
  return look.time >= began.time;
}

std::int64_t unwatched_since(const DomainKeys& keys) {
  if (!keys.changing()) return 0;
  if (keys.looked.time != 0) return keys.looked.time;
  std::int64_t oldest = 0;
  for (const KeyLife& key : keys.keys) {
    const bool waits = key.state == KeyState::pending || key.state == KeyState::retiring;
    // Written by hand without a time: for longer than anybody knows.
    const std::int64_t since = std::max<std::int64_t>(key.since, 1);
    if (waits && (oldest == 0 || since < oldest)) oldest = since;
  }
  return std::max<std::int64_t>(oldest, 1);
}

bool unwatched_too_long(const DomainKeys& keys, std::int64_t now, const RotationConfig& config) {
  const std::int64_t since = unwatched_since(keys);
  if (since == 0) return false;
  const auto limit = std::chrono::duration_cast<seconds>(config.watch_limit).count();
  return now - since > limit || since - now > limit;
}

}  // namespace authmilter
