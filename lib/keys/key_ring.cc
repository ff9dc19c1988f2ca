#include <authmilter/sign.h>

#include <utility>

namespace authmilter {

Result<std::shared_ptr<const KeyRing>> KeyRing::load(const SigningConfig& config) {
  auto ring = std::make_shared<KeyRing>();
  for (const SigningDomainConfig& domain : config.domains) {
    Entry entry{domain.domain, domain.subdomains, {}};
    for (const SigningKeyConfig& key : domain.keys) {
      auto loaded = PrivateKey::from_file(key.file);
      if (!loaded) return Error{key.where + ": " + loaded.error().message};
      entry.keys.push_back({domain.domain, key.selector, *loaded});
      ring->keys_.push_back(entry.keys.back());
    }
    ring->entries_.push_back(std::move(entry));
  }
  return std::shared_ptr<const KeyRing>(std::move(ring));
}

const KeyRing::Entry* KeyRing::find(const DomainName& name) const {
  const Entry* longest = nullptr;
  for (const Entry& entry : entries_) {
    const bool holds =
        entry.domain == name || (entry.subdomains && name.is_equal_or_below(entry.domain));
    if (!holds) continue;
    if (longest == nullptr || entry.domain.text().size() > longest->domain.text().size()) {
      longest = &entry;
    }
  }
  return longest;
}

std::vector<SigningKey> KeyRing::keys_for(const DomainName& author_domain) const {
  const Entry* entry = find(author_domain);
  return entry == nullptr ? std::vector<SigningKey>{} : entry->keys;
}

bool KeyRing::same_owner(const DomainName& a, const DomainName& b) const {
  if (a == b) return true;
  const Entry* entry = find(a);
  return entry != nullptr && entry == find(b);
}

}  // namespace authmilter
