#include <authmilter/rotation.h>

#include <algorithm>
#include <chrono>

namespace authmilter {

using std::chrono::seconds;

seconds passed_between(const Moment& before, const Moment& now) {
  if (before.time == 0) return seconds(0);
  const seconds by_clock(std::max<std::int64_t>(0, now.time - before.time));
  if (now.simulated) return by_clock;
  // From one run of the system to the next there is the clock only, which may have jumped, or the
  // look was another host's: what has passed is not known. It is one look's time that is lost.
  if (now.boot.empty() || now.boot != before.boot) return seconds(0);
  return seconds(std::max<std::int64_t>(0, now.uptime - before.uptime));
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
