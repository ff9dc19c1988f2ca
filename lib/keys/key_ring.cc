#include <authmilter/key_ring.h>

#include <atomic>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/parallel.h"
#include "keys/key_files.h"

namespace authmilter {

namespace {

/// The files that a configuration names, each once, in its order.
std::vector<const SigningKeyConfig*> files_of(const SigningConfig& config) {
  std::vector<const SigningKeyConfig*> files;
  std::unordered_set<std::string_view> known;
  for (const SigningDomainConfig& domain : config.domains) {
    for (const SigningKeyConfig& key : domain.keys) {
      if (known.insert(key.file).second) files.push_back(&key);
    }
  }
  return files;
}

/// Every key is read from PEM and tried, which takes a millisecond of a large one: in parallel. Of
/// several bad ones the first in the configuration is the error.
Result<KeyFiles> read_files(const std::vector<const SigningKeyConfig*>& files,
                            const KeyFiles* previous) {
  KeyFileReader reader(previous);
  std::vector<std::optional<Result<KeyOfFile>>> read(files.size());
  std::atomic<std::size_t> first_bad = files.size();  // behind it nothing needs to be read
  for_each_in_parallel(files.size(), [&](std::size_t i) {
    std::size_t bad = first_bad;
    if (i > bad) return;
    read[i] = reader.read(files[i]->file);
    if (*read[i]) return;
    while (i < bad && !first_bad.compare_exchange_weak(bad, i)) {
    }
  });
  KeyFiles keys;
  keys.by_path.reserve(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    Result<KeyOfFile>& file = read[i].value();
    if (!file) return Error{files[i]->where + ": " + file.error().message};
    keys.by_path.emplace(files[i]->file, std::move(*file));
  }
  return keys;
}

}  // namespace

Result<std::shared_ptr<const KeyRing>> KeyRing::load(const SigningConfig& config,
                                                     const KeyRing* previous) {
  auto files = read_files(files_of(config), previous == nullptr ? nullptr : previous->files_.get());
  if (!files) return files.error();
  auto ring = std::make_shared<KeyRing>();
  ring->domains_.reserve(config.domains.size());
  std::size_t count = 0;
  for (const SigningDomainConfig& domain : config.domains) count += domain.keys.size();
  ring->keys_.reserve(count);
  for (const SigningDomainConfig& domain : config.domains) {
    const Entry entry{domain.subdomains, ring->keys_.size(), domain.keys.size()};
    for (const SigningKeyConfig& key : domain.keys)
      ring->keys_.push_back({domain.domain, key.selector, files->by_path.at(key.file).key});
    ring->domains_.try_emplace(domain.domain.text(), entry);
  }
  ring->files_ = std::make_shared<const KeyFiles>(std::move(*files));
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
