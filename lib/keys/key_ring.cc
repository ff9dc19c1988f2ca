#include <authmilter/key_ring.h>

#include <utility>

#include "keys/ring_loader.h"
#include "keys/ring_store.h"

namespace authmilter {

KeyRing::KeyRing() : store_(std::make_shared<const Store>()) {}
KeyRing::~KeyRing() = default;

Result<std::shared_ptr<const KeyRing>> KeyRing::load(const SigningConfig& config,
                                                     const KeyRing* previous) {
  auto store = Loader(config, previous == nullptr ? nullptr : previous->store_.get()).load();
  if (!store) return store.error();
  auto ring = std::make_shared<KeyRing>();
  ring->store_ = std::move(*store);
  if (previous != nullptr) ring->uses_ = previous->uses_;  // for choose()
  return std::shared_ptr<const KeyRing>(std::move(ring));
}

std::vector<SigningKey> KeyRing::known_keys_for(const DomainName& author_domain,
                                                const std::string& user) const {
  std::vector<SigningKey> keys;
  const Store::Domain* owner = store_->owner_of(author_domain.text());
  if (owner == nullptr) return store_->table_keys(author_domain, user);
  for (std::uint32_t i = 0; owner != nullptr && i < owner->keys; ++i)
    keys.push_back(store_->signing_key(*owner, store_->keys[owner->first_key + i]));
  return keys;
}

const SigningProfile& KeyRing::profile_for(const DomainName& author_domain) const {
  const Store::Domain* owner = store_->owner_of(author_domain.text());
  return store_->profiles[owner == nullptr ? 0 : owner->profile].profile;
}

std::string KeyRing::fault_of(const DomainName& author_domain) const {
  const Store::Domain* owner = store_->owner_of(author_domain.text());
  if (owner == nullptr || owner->keys != 0) return {};
  const auto number = static_cast<std::uint32_t>(owner - store_->domains.data());
  const auto fault = store_->domain_faults.find(number);
  return fault == store_->domain_faults.end() ? "it has no keys" : fault->second;
}

bool KeyRing::same_owner(const DomainName& a, const DomainName& b) const {
  if (a == b) return true;
  const Store::Domain* owner = store_->owner_of(a.text());
  return owner != nullptr && owner == store_->owner_of(b.text());
}

bool KeyRing::single_owner() const {
  return store_->domains.size() == 1 && store_->tables == nullptr;
}

std::vector<SigningKey> KeyRing::all() const {
  std::vector<SigningKey> keys;
  keys.reserve(store_->keys.size());
  for (const Store::Domain& domain : store_->domains) {
    for (std::uint32_t i = 0; i < domain.keys; ++i)
      keys.push_back(store_->signing_key(domain, store_->keys[domain.first_key + i]));
  }
  return keys;
}

TokenHealth KeyRing::take_token_health() const {
  return store_->stores == nullptr ? TokenHealth() : store_->stores->take_health();
}

const std::vector<std::string>& KeyRing::faults() const { return store_->faults; }

std::shared_ptr<const SigningDropIn> KeyRing::find_drop_in(const std::string& name) const {
  const auto* file = store_->find_file(name);
  if (file == nullptr) return nullptr;
  const auto number = static_cast<std::uint32_t>(file - store_->files.data());
  auto drop_in = std::make_shared<SigningDropIn>();
  drop_in->file = std::make_shared<const std::string>(name);
  drop_in->version = file->version;
  drop_in->settled = file->settled;
  for (std::uint32_t i = 0; i < file->domains; ++i)
    drop_in->domains.push_back(
        store_->config_of(store_->domains[file->first_domain + i], drop_in->file));
  const auto fault = store_->file_faults.find(number);
  if (fault != store_->file_faults.end()) drop_in->fault = fault->second;
  return drop_in;
}

std::vector<KeyRing::KeyFileOf> KeyRing::key_files(std::size_t most) const {
  std::vector<KeyFileOf> files;
  for (const Store::Domain& domain : store_->domains) {
    for (std::uint32_t i = 0; i < domain.keys; ++i) {
      if (files.size() == most) return files;
      const Store::Key& key = store_->keys[domain.first_key + i];
      if (store_->sources[key.source].store != KeyStore::file) continue;
      SigningKey named = store_->signing_key(domain, key);
      files.push_back(
          {std::move(named.domain), std::move(named.selector), store_->source_of(key).text});
    }
  }
  return files;
}

}  // namespace authmilter
