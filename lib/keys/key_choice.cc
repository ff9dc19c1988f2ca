#include <authmilter/key_ring.h>
#include <authmilter/key_states.h>
#include <authmilter/published_key.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <tuple>
#include <utility>

namespace authmilter {
namespace {

/// A state may speak of a later key under a selector than the one that was read. What a key is
/// whose token is away need not be known: then its selector says it.
bool is_key_of(const SigningKey& key, const KeyLife& life) {
  return life.record.empty() || key.key->unavailable() || life.record == key_record_text(*key.key);
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
  std::vector<bool> signing(keys.size(), true);
  std::vector<bool> usable(keys.size(), true);
  bool any_signing = false;
  bool any_usable = false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].domain != state.domain) continue;
    const KeyLife* life = state.find(keys[i].selector);
    const bool known = life != nullptr && is_key_of(keys[i], *life);
    signing[i] = life == nullptr || (known && life->signs);
    usable[i] = life == nullptr || (known && life->state != KeyState::pending);
    any_signing = any_signing || signing[i];
    any_usable = any_usable || usable[i];
  }
  if (any_signing) return signing;
  if (any_usable) return usable;
  return std::vector<bool>(keys.size(), true);
}

std::vector<bool> keys_in_the_dns(const std::vector<SigningKey>& keys, const DomainKeys& state) {
  std::vector<bool> stands(keys.size(), true);
  bool any_stands = false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].domain != state.domain) continue;
    const KeyLife* life = state.find(keys[i].selector);
    const auto in_the_dns = [&] {
      const bool published = life->state == KeyState::active || life->state == KeyState::retiring;
      return published && !life->lost && is_key_of(keys[i], *life);
    };
    stands[i] = life == nullptr || in_the_dns();
    any_stands = any_stands || stands[i];
  }
  return any_stands ? stands : choose_keys(keys, state);
}

/// `choice` is asked for each of the domains.
std::vector<SigningKey> KeyRing::chosen(std::vector<SigningKey> known, Choice& choice) const {
  if (!states_) return known;
  std::vector<bool> wanted(known.size(), true);
  for (std::size_t i = 0; i < known.size(); ++i) {
    // Of several domains only where OpenDKIM's tables say so.
    if (i > 0 && known[i].domain == known[i - 1].domain) continue;
    const DomainKeys* state = states_->find(known[i].domain.text());
    if (state == nullptr) continue;
    const std::vector<bool> of_domain = choice(known, *state);
    std::transform(wanted.begin(), wanted.end(), of_domain.begin(), wanted.begin(),
                   std::logical_and<>());
  }
  std::vector<SigningKey> keys;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!wanted[i]) continue;
    const UseOf* use = find_use(uses_, known[i].domain, known[i].selector);
    if (use != nullptr) known[i].use = use->use;
    keys.push_back(std::move(known[i]));
  }
  return keys;
}

std::vector<SigningKey> KeyRing::keys_for(const DomainName& author_domain,
                                          const std::string& user) const {
  return chosen(known_keys_for(author_domain, user), choose_keys);
}

std::vector<SigningKey> KeyRing::keys_in_the_dns_for(const DomainName& author_domain,
                                                     const std::string& user) const {
  return chosen(known_keys_for(author_domain, user), keys_in_the_dns);
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
