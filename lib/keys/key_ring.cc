#include <authmilter/key_ring.h>

#include <string_view>
#include <utility>

#include "keys/key_files.h"

namespace authmilter {

Result<std::shared_ptr<const KeyRing>> KeyRing::load(const SigningConfig& config,
                                                     const KeyRing* previous) {
  auto ring = std::make_shared<KeyRing>();
  KeyFileReader files(previous == nullptr ? nullptr : previous->files_.get());
  ring->domains_.reserve(config.domains.size());
  for (const SigningDomainConfig& domain : config.domains) {
    const Entry entry{domain.subdomains, ring->keys_.size(), domain.keys.size()};
    for (const SigningKeyConfig& key : domain.keys) {
      auto loaded = files.read(key.file);
      if (!loaded) return Error{key.where + ": " + loaded.error().message};
      ring->keys_.push_back({domain.domain, key.selector, std::move(*loaded)});
    }
    ring->domains_.try_emplace(domain.domain.text(), entry);
  }
  ring->files_ = std::make_shared<const KeyFiles>(files.take());
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
