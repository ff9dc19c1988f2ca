#include <authmilter/rotation.h>

#include <algorithm>

#include <fmt/format.h>

namespace authmilter {
namespace {

using std::chrono::seconds;

/// "5d", "3h", "20m": one unit is near enough.
std::string about(seconds time) {
  const auto count = std::max<std::int64_t>(time.count(), 0);
  if (count >= 2 * 86400) return fmt::format("{}d", (count + 86399) / 86400);
  if (count >= 2 * 3600) return fmt::format("{}h", (count + 3599) / 3600);
  return fmt::format("{}m", std::max<std::int64_t>((count + 59) / 60, 1));
}

NextStep of_pending(const KeyLife& key) {
  switch (key.published) {
    case Publication::match:
      return NextStep::wait;
    case Publication::differs:
    case Publication::revoked:
    case Publication::missing:
      return NextStep::publish;
    case Publication::temperror:
      // Nobody has looked yet: it has just been made.
      return key.servers == 0 && key.trouble.empty() ? NextStep::publish : NextStep::look;
  }
  return NextStep::look;
}

/// The next key of a ring takes the name over.
bool comes_again(const KeyLife& key, const RotationConfig& config) {
  return std::find(config.ring.begin(), config.ring.end(), key.selector.text()) !=
         config.ring.end();
}

NextStep of_retired(const KeyLife& key, const RotationConfig& config) {
  switch (key.published) {
    case Publication::match:
    case Publication::differs:
      return NextStep::publish_empty;
    case Publication::revoked:
      if (comes_again(key, config)) return NextStep::nothing;
      return key.stands() ? NextStep::remove_record : NextStep::wait;
    case Publication::missing:
      if (comes_again(key, config)) return NextStep::nothing;
      if (key.gone_for_good()) return NextStep::retire;
      return key.gone ? NextStep::wait : NextStep::look;
    case Publication::temperror:
      return NextStep::look;
  }
  return NextStep::look;
}

bool somebody_signs_instead(const KeyLife& lost, const DomainKeys& keys) {
  return std::any_of(keys.keys.begin(), keys.keys.end(), [&](const KeyLife& key) {
    return key.type == lost.type && key.signs && !key.lost;
  });
}

std::string of_lost(const KeyLife& key, const DomainKeys& keys) {
  std::string text = "publish the record again: ";
  if (key.state == KeyState::retiring) {
    text += "mail under way needs it";
  } else if (somebody_signs_instead(key, keys)) {
    text += "an older key signs meanwhile";
  } else {
    text += "no other key's record stands";
  }
  return key.trouble.empty() ? text : text + " (" + key.trouble + ")";
}

constexpr std::int64_t kDay = 86400;

/// Who signs with a key that no longer should, as far as the state shows.
enum class StrangeUse : std::uint8_t { none, goes_on, in_the_future };

StrangeUse strange_use(const KeyLife& key, const DomainKeys& keys, const RotationConfig& config) {
  if (key.state != KeyState::retiring || key.signs || key.last_used == 0) return StrangeUse::none;
  const std::int64_t looked = keys.looked.time;
  if (key.last_used * kDay > looked) return StrangeUse::in_the_future;
  // Used yesterday or today, and quiet for less time than has gone by since it should be.
  const seconds alone = key.overlapped - std::chrono::duration_cast<seconds>(config.overlap);
  const bool again = key.quiet + seconds(kDay) <= alone;
  const bool lately = (key.last_used + 2) * kDay >= looked;
  return again && lately ? StrangeUse::goes_on : StrangeUse::none;
}

std::string of_strange_use(StrangeUse use, const KeyLife& key) {
  const std::string day = print_utc(key.last_used * kDay).substr(0, 10);
  switch (use) {
    case StrangeUse::none:
      break;
    case StrangeUse::goes_on:
      return fmt::format("find who signs with it yet, another host perhaps: last on {}", day);
    case StrangeUse::in_the_future:
      return fmt::format(
          "mend last_used in its state and in the .used files beside it: {} is in the future", day);
  }
  return "";
}

std::string why_wait(const KeyLife& key, const RotationConfig& config) {
  const auto left = [](seconds needed, seconds had) { return about(needed - had); };
  switch (key.state) {
    case KeyState::pending:
      if (key.stands()) return "wait for the other keys of the domain";
      return fmt::format("wait {}: caches may deny the record for that long",
                         left(key.needed, key.stood));
    case KeyState::active:
      return "wait";
    case KeyState::retiring: {
      const auto queue = std::chrono::duration_cast<seconds>(config.queue_time);
      if (key.signs) return "wait: signs beside its successor";
      return fmt::format("wait {}: mail under way needs the record",
                         left(queue + key.needed, key.quiet));
    }
    case KeyState::retired:
      return fmt::format(
          "wait {}: caches may have the old record for that long",
          left(key.needed,
               key.published == Publication::missing ? key.gone.value_or(seconds(0)) : key.stood));
  }
  return "wait";
}

}  // namespace

NextStep next_step(const KeyLife& key, const DomainKeys& /*keys*/, const RotationConfig& config) {
  if (key.lost) return key.published == Publication::match ? NextStep::wait : NextStep::publish;
  switch (key.state) {
    case KeyState::pending:
      return of_pending(key);
    case KeyState::active:
      return NextStep::nothing;
    case KeyState::retiring:
      return NextStep::wait;
    case KeyState::retired:
      return of_retired(key, config);
  }
  return NextStep::nothing;
}

namespace {

std::string describe(const KeyLife& key, const DomainKeys& keys, const RotationConfig& config) {
  switch (next_step(key, keys, config)) {
    case NextStep::nothing:
      return "nothing";
    case NextStep::wait:
      if (key.lost) {
        return fmt::format("wait {}: the record is back, and caches may still deny it",
                           about(key.needed - key.stood));
      }
      if (const auto use = strange_use(key, keys, config); use != StrangeUse::none)
        return of_strange_use(use, key);
      return why_wait(key, config);
    case NextStep::look:
      return key.trouble.empty() ? "look again (authmilter key watch): no answer"
                                 : "look again (authmilter key watch): " + key.trouble;
    case NextStep::publish:
      if (key.lost) return of_lost(key, keys);
      if (key.published == Publication::temperror) return "publish the record";
      return key.trouble.empty() ? "publish the record" : "publish the record: " + key.trouble;
    case NextStep::publish_empty:
      return key.trouble.empty() || key.published == Publication::match
                 ? "publish the record with an empty p="
                 : "publish the record with an empty p= (" + key.trouble + ")";
    case NextStep::remove_record:
      return "remove the record";
    case NextStep::retire:
      return fmt::format("authmilter key retire {} {}", keys.domain.text(), key.selector.text());
  }
  return "nothing";
}

}  // namespace

std::string describe_next_step(const KeyLife& key, const DomainKeys& keys,
                               const RotationConfig& config) {
  const std::string text = describe(key, keys, config);
  // RFC 6376 section 3.6.1: to verifiers what such a key signs is the same as unsigned.
  return key.testing ? text + " (testing: the record has t=y)" : text;
}

bool needs_person(const KeyLife& key, const DomainKeys& keys, const RotationConfig& config) {
  if (key.lost || strange_use(key, keys, config) != StrangeUse::none) return true;
  switch (next_step(key, keys, config)) {
    case NextStep::nothing:
    case NextStep::wait:
      return false;
    case NextStep::look:
    case NextStep::publish:
    case NextStep::publish_empty:
    case NextStep::remove_record:
    case NextStep::retire:
      return true;
  }
  return false;
}

}  // namespace authmilter
