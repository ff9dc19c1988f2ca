#include <algorithm>
#include <utility>

#include "rotation/key_life.h"

namespace authmilter {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

bool another_of_its_type(const DomainKeys& keys, const KeyLife& key) {
  return std::any_of(keys.keys.begin(), keys.keys.end(), [&](const KeyLife& one) {
    return one.selector != key.selector && one.state == KeyState::active && one.type == key.type &&
           !one.lost;
  });
}

void leave(KeyLife& key, std::int64_t now, const RotationConfig& config) {
  key.state = KeyState::retiring;
  key.since = now;
  key.overlapped = duration_cast<seconds>(config.overlap);
  key.quiet = seconds(0);
  key.signs = false;
}

}  // namespace

Result<DomainKeys> make_way(DomainKeys keys, const Selector& selector, std::int64_t now,
                            const RotationConfig& config, LastOfItsKind last) {
  const std::string name = selector.text() + " of " + keys.domain.text();
  KeyLife* key = keys.find(selector);
  if (key == nullptr) return Error{name + ": is not known"};
  if (key->state != KeyState::active)
    return Error{name + ": is " + std::string(to_string(key->state)) + ", not active"};
  const std::string type(to_string(key->type));
  if (!another_of_its_type(keys, *key)) {
    switch (last) {
      case LastOfItsKind::stays:
        return Error{name + ": no other " + type +
                     " key signs, make one first (authmilter key rotate), or give this kind of key "
                     "up (--last-of-its-kind)"};
      case LastOfItsKind::is_given_up:
        if (!somebody_else_signs(keys, selector))
          return Error{name + ": no other key signs whose record stands"};
        key->given_up = true;
        break;
    }
  }
  leave(*key, now, config);
  return keys;
}

Advance without_removed(Advance step, const std::vector<Selector>& configured, std::int64_t now,
                        const RotationConfig& config) {
  for (KeyLife& key : step.keys.keys) {
    const bool stays =
        std::find(configured.begin(), configured.end(), key.selector) != configured.end();
    if (stays) continue;
    if (key.state == KeyState::retiring) {
      key.given_up = true;
      key.signs = key.lost = false;
    }
    if (key.state != KeyState::active) continue;
    // The one that signs instead has to be configured itself.
    const bool replaced =
        std::any_of(step.keys.keys.begin(), step.keys.keys.end(), [&](const KeyLife& one) {
          return one.state == KeyState::active && !one.lost &&
                 std::find(configured.begin(), configured.end(), one.selector) != configured.end();
        });
    if (!replaced) continue;
    leave(key, now, config);
    key.given_up = true;
    // Of a record that is gone too nobody can be told to publish it: there may be no key any more.
    key.lost = false;
    step.events.push_back(
        {KeyEvent::Kind::retiring, key.selector, "is not in the configuration any more"});
  }
  return step;
}

}  // namespace authmilter
