#include <algorithm>
#include <utility>

#include "base/words.h"
#include "rotation/key_life.h"

namespace authmilter {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;
using Kind = KeyEvent::Kind;

constexpr std::int64_t kDay = 24 * 60 * 60;

constexpr Word<Kind> kKinds[] = {
    {Kind::activated, "activated"},     {Kind::retiring, "retiring"},
    {Kind::retired, "retired"},         {Kind::record_lost, "record-lost"},
    {Kind::record_back, "record-back"}, {Kind::fallback, "fallback"}};
static_assert(is_complete(kKinds, Kind::fallback));

/// Seen by every voice, for longer than a cache can say something else.
bool ready(const KeyLife& key) {
  return key.state == KeyState::pending && key.published == Publication::match && key.stands();
}

bool is(const KeyLife& key, KeyState state, KeyType type) {
  return key.state == state && key.type == type;
}

/// An active key of this type whose record can be relied on.
bool has_good_active(const DomainKeys& keys, KeyType type) {
  return std::any_of(keys.keys.begin(), keys.keys.end(), [&](const KeyLife& key) {
    return is(key, KeyState::active, type) && !key.lost;
  });
}

void change(KeyLife& key, KeyState state, std::int64_t now) {
  key.state = state;
  key.since = now;
}

/// Every pending key of this type takes over, and the active ones make way for it.
void take_over(DomainKeys& keys, KeyType type, std::int64_t now, std::vector<KeyEvent>& events) {
  for (KeyLife& key : keys.keys) {
    if (!is(key, KeyState::active, type)) continue;
    change(key, KeyState::retiring, now);
    key.overlapped = key.quiet = seconds(0);
    events.push_back({Kind::retiring, key.selector, ""});
  }
  for (KeyLife& key : keys.keys) {
    if (!is(key, KeyState::pending, type)) continue;
    change(key, KeyState::active, now);
    events.push_back({Kind::activated, key.selector, ""});
  }
}

void change_over(DomainKeys& keys, std::int64_t now, const RotationConfig& config,
                 std::vector<KeyEvent>& events) {
  const auto all_ready = [&](auto counts) {
    bool any = false;
    for (const KeyLife& key : keys.keys) {
      if (key.state != KeyState::pending || !counts(key)) continue;
      if (!ready(key)) return false;
      any = true;
    }
    return any;
  };
  const bool together = config.together && all_ready([](const KeyLife&) { return true; });
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
    const auto of_type = [&](const KeyLife& key) { return key.type == type; };
    if (all_ready(of_type) && (together || !config.together)) take_over(keys, type, now, events);
  }
}

/// Somebody signs with a key that nobody should: another host, or a daemon that was not told. The
/// day is looked at that began after the key went quiet.
bool in_use(const KeyLife& key, std::int64_t now) {
  return key.last_used != 0 && key.last_used * kDay >= now - key.quiet.count();
}

void retire(DomainKeys& keys, std::int64_t now, const RotationConfig& config,
            std::vector<KeyEvent>& events) {
  // RFC 6376 section 3.3: what was signed has to stay verifiable for as long as it is under way;
  // with it caches may give the old record for its time to live.
  for (KeyLife& key : keys.keys) {
    if (key.state != KeyState::retiring || key.signs) continue;
    if (in_use(key, now)) key.quiet = seconds(0);
    const auto wait = duration_cast<seconds>(config.queue_time) + key.needed;
    const bool replaced =
        key.given_up ? somebody_else_signs(keys, key.selector) : has_good_active(keys, key.type);
    if (key.quiet < wait || !replaced) continue;
    change(key, KeyState::retired, now);
    key.lost = false;
    key.stood = seconds(0);
    events.push_back({Kind::retired, key.selector, ""});
  }
}

/// The key that signs while no active one of its type can be relied on: the one that has made way
/// last. A pending one is not ready.
KeyLife* fallback_of(DomainKeys& keys, KeyType type) {
  KeyLife* found = nullptr;
  for (KeyLife& key : keys.keys) {
    if (!is(key, KeyState::retiring, type) || key.lost || key.given_up) continue;
    if (found == nullptr || key.since >= found->since) found = &key;
  }
  return found;
}

void choose_signers(DomainKeys& keys, const RotationConfig& config, std::vector<KeyEvent>& events) {
  const auto overlap = duration_cast<seconds>(config.overlap);
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
    const bool good = has_good_active(keys, type);
    KeyLife* fallback = good ? nullptr : fallback_of(keys, type);
    for (KeyLife& key : keys.keys) {
      if (key.type != type) continue;
      const bool signed_before = key.signs;
      switch (key.state) {
        case KeyState::pending:
        case KeyState::retired:
          key.signs = false;
          break;
        case KeyState::active:
          // Where nothing else stands, a signature that may be verified again soon is better than
          // none.
          key.signs = !key.lost || (!good && fallback == nullptr);
          break;
        case KeyState::retiring:
          key.signs = !key.lost && !key.given_up && (key.overlapped < overlap || &key == fallback);
          if (key.signs && !signed_before && &key == fallback)
            events.push_back({Kind::fallback, key.selector, "no newer key's record stands"});
          break;
      }
    }
  }
}

}  // namespace

std::string_view to_string(KeyEvent::Kind kind) { return word_of(kKinds, kind); }

bool somebody_else_signs(const DomainKeys& keys, const Selector& selector) {
  return std::any_of(keys.keys.begin(), keys.keys.end(), [&](const KeyLife& key) {
    return key.selector != selector && key.state == KeyState::active && !key.lost;
  });
}

KeyLife* DomainKeys::find(const Selector& selector) {
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const KeyLife& key) { return key.selector == selector; });
  return found == keys.end() ? nullptr : &*found;
}

const KeyLife* DomainKeys::find(const Selector& selector) const {
  return const_cast<DomainKeys*>(this)->find(selector);  // NOLINT: nothing is changed
}

bool DomainKeys::changing() const {
  return std::any_of(keys.begin(), keys.end(), [](const KeyLife& key) {
    return key.state == KeyState::pending || key.state == KeyState::retiring || key.lost;
  });
}

Advance advance(DomainKeys keys, const std::map<Selector, Observation>& seen, const Moment& now,
                const RotationConfig& config) {
  Advance result{std::move(keys), {}};
  const seconds passed = passed_between(result.keys.looked, now);
  for (KeyLife& key : result.keys.keys) {
    count_time(key, passed);
    const auto found = seen.find(key.selector);
    if (found == seen.end()) continue;
    take_in(key, found->second, passed, result.events);
    count_gone(key, found->second, passed);
  }
  change_over(result.keys, now.time, config, result.events);
  retire(result.keys, now.time, config, result.events);
  choose_signers(result.keys, config, result.events);
  result.keys.looked = now;
  return result;
}

KeyLife new_key(const Selector& selector, KeyType type, unsigned bits, std::string file,
                std::string record, std::int64_t now) {
  KeyLife key{.selector = selector};
  key.type = type;
  key.bits = bits;
  key.file = std::move(file);
  key.record = std::move(record);
  key.since = now;
  return key;
}

KeyLife key_in_use(KeyLife key) {
  key.state = KeyState::active;
  key.signs = true;
  return key;
}

}  // namespace authmilter
