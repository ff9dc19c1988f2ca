#include <authmilter/key_ring.h>

#include <atomic>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/parallel.h"
#include "keys/key_files.h"
#include "keys/key_stores.h"

namespace authmilter {

namespace {

using KeyResult = Result<KeyOfFile>;

std::string id_of(const KeySource& source) { return source.written(); }

/// The sources that a configuration names, each once, in its order.
std::vector<const SigningKeyConfig*> sources_of(
    const std::vector<const SigningDomainConfig*>& domains) {
  std::vector<const SigningKeyConfig*> sources;
  std::unordered_set<std::string> known;
  for (const SigningDomainConfig* domain : domains) {
    for (const SigningKeyConfig& key : domain->keys) {
      if (known.insert(id_of(key.source)).second) sources.push_back(&key);
    }
  }
  return sources;
}

KeyResult without_file(Result<std::shared_ptr<const PrivateKey>> key) {
  if (!key) return key.error();
  return KeyOfFile{{}, false, std::move(*key)};
}

KeyResult fetch(const KeySource& source, KeyFileReader& files) {
  switch (source.store) {
    case KeyStore::file:
      return files.read(source.text);
    case KeyStore::pkcs11:
      return without_file(open_pkcs11_key(source.text));
    case KeyStore::credential:
      return without_file(open_credential_key(source.text));
  }
  return Error{"a key of no known kind"};
}

Status check_strength(const PrivateKey& key, const SigningKeyConfig& config, unsigned minimum) {
  if (key.type() != KeyType::rsa || key.bits() >= minimum) return Done{};
  return Error{config.source.written() + ": an RSA key of " + std::to_string(key.bits()) +
               " bits: signing.minimum_rsa_bits is " + std::to_string(minimum)};
}

/// Every key is read from PEM and tried, which takes a millisecond of a large one: in parallel. Of
/// several bad ones the first in the configuration is the error.
Result<KeyFiles> read_keys(const std::vector<const SigningKeyConfig*>& sources,
                           const KeyFiles* previous, unsigned minimum_rsa_bits) {
  KeyFileReader reader(previous);
  std::vector<std::optional<KeyResult>> read(sources.size());
  std::atomic<std::size_t> first_bad = sources.size();  // behind it nothing needs to be read
  for_each_in_parallel(sources.size(), [&](std::size_t i) {
    std::size_t bad = first_bad;
    if (i > bad) return;
    read[i] = fetch(sources[i]->source, reader);
    if (*read[i]) {
      auto strong = check_strength(*(*read[i])->key, *sources[i], minimum_rsa_bits);
      if (strong) return;
      read[i] = strong.error();
    }
    while (i < bad && !first_bad.compare_exchange_weak(bad, i)) {
    }
  });
  KeyFiles keys;
  keys.by_path.reserve(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    KeyResult& key = read[i].value();
    if (!key) return Error{sources[i]->place.text() + ": " + key.error().message};
    keys.by_path.emplace(id_of(sources[i]->source), std::move(*key));
  }
  return keys;
}

}  // namespace

Result<std::shared_ptr<const KeyRing>> KeyRing::load(const SigningConfig& config,
                                                     const KeyRing* previous) {
  const auto domains = config.all_domains();
  auto keys = read_keys(sources_of(domains), previous == nullptr ? nullptr : previous->files_.get(),
                        config.minimum_rsa_bits);
  if (!keys) return keys.error();
  auto ring = std::make_shared<KeyRing>();
  ring->domains_.reserve(domains.size());
  std::size_t count = 0;
  for (const SigningDomainConfig* domain : domains) count += domain->keys.size();
  ring->keys_.reserve(count);
  for (const SigningDomainConfig* domain : domains) {
    const Entry entry{domain->subdomains, ring->keys_.size(), domain->keys.size()};
    for (const SigningKeyConfig& key : domain->keys)
      ring->keys_.push_back({domain->domain, key.selector, keys->by_path.at(id_of(key.source)).key});
    ring->domains_.try_emplace(domain->domain.text(), entry);
  }
  ring->files_ = std::make_shared<const KeyFiles>(std::move(*keys));
  return std::shared_ptr<const KeyRing>(std::move(ring));
}

const KeyRing::Entry* KeyRing::find(const DomainName& name) const {
  // From the whole name upwards, so that the longest domain is found first.
  std::string above = name.text();
  if (const auto own = domains_.find(above); own != domains_.end()) return &own->second;
  for (std::size_t dot; (dot = above.find('.')) != std::string::npos;) {
    above.erase(0, dot + 1);
    const auto found = domains_.find(above);
    if (found != domains_.end() && found->second.subdomains) return &found->second;
  }
  return nullptr;
}

std::span<const SigningKey> KeyRing::keys_for(const DomainName& author_domain) const {
  const Entry* entry = find(author_domain);
  return entry == nullptr ? std::span<const SigningKey>()
                          : std::span(keys_).subspan(entry->first, entry->count);
}

bool KeyRing::same_owner(const DomainName& a, const DomainName& b) const {
  if (a == b) return true;
  const Entry* entry = find(a);
  return entry != nullptr && entry == find(b);
}

}  // namespace authmilter
