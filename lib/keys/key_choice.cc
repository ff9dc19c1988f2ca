#include <authmilter/key_ring.h>
#include <authmilter/key_states.h>
#include <authmilter/published_key.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace authmilter {
namespace {

/// A state may speak of a later key under a selector than the one that was read.
bool is_key_of(const SigningKey& key, const KeyLife& life) {
  return life.record.empty() || life.record == key_record_text(*key.key);
}

template <class T>
auto name_of(const T& key) {
  return std::tie(key.domain.text(), key.selector.text());
}

const KeyRing::UseOf* find_use(const std::vector<KeyRing::UseOf>& uses, const DomainName& domain,
                               const Selector& selector) {
  const auto name = std::tie(domain.text(), selector.text());
  const auto found =
      std::lower_bound(uses.begin(), uses.end(), name,
                       [](const auto& use, const auto& wanted) { return name_of(use) < wanted; });
  return found != uses.end() && name_of(*found) == name ? &*found : nullptr;
}

}  // namespace

std::vector<bool> choose_keys(const std::vector<SigningKey>& keys, const DomainKeys& state) {
  std::vector<bool> signing;
  std::vector<bool> usable;
  for (const SigningKey& key : keys) {
    const KeyLife* life = state.find(key.selector);
    const bool known = life != nullptr && is_key_of(key, *life);
    signing.push_back(life == nullptr || (known && life->signs));
    usable.push_back(life == nullptr || (known && life->state != KeyState::pending));
  }
  const auto any = [](const std::vector<bool>& of) {
    return std::find(of.begin(), of.end(), true) != of.end();
  };
  if (any(signing)) return signing;
  if (any(usable)) return usable;
  return std::vector<bool>(keys.size(), true);
}

std::vector<SigningKey> KeyRing::keys_for(const DomainName& author_domain,
                                          const std::string& user) const {
  std::vector<SigningKey> known = known_keys_for(author_domain, user);
  if (!states_ || known.empty()) return known;
  const DomainKeys* state = states_->find(known.front().domain.text());
  if (state == nullptr) return known;
  const std::vector<bool> signing = choose_keys(known, *state);
  std::vector<SigningKey> keys;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!signing[i]) continue;
    const UseOf* use = find_use(uses_, known[i].domain, known[i].selector);
    if (use != nullptr) known[i].use = use->use;
    keys.push_back(std::move(known[i]));
  }
  return keys;
}

std::shared_ptr<const KeyRing> KeyRing::choose(const std::shared_ptr<const KeyRing>& all,
                                               std::shared_ptr<const KeyStates> states) {
  auto ring = std::make_shared<KeyRing>();
  ring->store_ = all->store_;
  for (const auto& [domain, entry] : states->entries()) {
    if (!entry.keys) continue;
    const auto known = ring->known_keys_for(entry.keys->domain);
    if (known.empty() || known.front().domain != entry.keys->domain) continue;
    for (const KeyLife& life : entry.keys->keys) {
      const bool has = std::any_of(known.begin(), known.end(), [&](const SigningKey& key) {
        return key.selector == life.selector && is_key_of(key, life);
      });
      if (life.signs && !has) ring->lacking_.push_back(domain + " " + life.selector.text());
      const UseOf* before = find_use(all->uses_, entry.keys->domain, life.selector);
      ring->uses_.push_back({entry.keys->domain, life.selector,
                             before == nullptr ? std::make_shared<KeyUse>() : before->use});
    }
  }
  std::sort(ring->uses_.begin(), ring->uses_.end(),
            [](const UseOf& a, const UseOf& b) { return name_of(a) < name_of(b); });
  std::sort(ring->lacking_.begin(), ring->lacking_.end());
  ring->states_ = std::move(states);
  return ring;
}

}  // namespace authmilter
