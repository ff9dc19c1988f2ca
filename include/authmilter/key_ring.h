#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/domain_name.h>
#include <authmilter/result.h>
#include <authmilter/signing_key.h>

namespace authmilter {

struct KeyFiles;

/// The keys of every `[[signing.domain]]`, read and checked. Immutable, thread-safe; what it hands
/// out is borrowed from it. A look-up costs the labels of a name, however many domains there are.
class KeyRing {
 public:
  /// Reads every key file, each once, however many domains name it; the first bad one is the error,
  /// with the place in the configuration. The key of a file that is still the one that `previous`
  /// (may be null) read is taken over from it; who may read the file is looked at each time.
  static Result<std::shared_ptr<const KeyRing>> load(const SigningConfig& config,
                                                     const KeyRing* previous = nullptr);
  /// The keys for an Author Domain: of the longest configured domain that equals it, or holds it
  /// with `subdomains`.
  std::span<const SigningKey> keys_for(const DomainName& author_domain) const;
  /// True when both names get their keys from the same configured domain.
  bool same_owner(const DomainName& a, const DomainName& b) const;
  /// True when there is one configured domain: then whatever is signed is its owner's.
  bool single_owner() const { return domains_.size() == 1; }
  std::span<const SigningKey> all() const { return keys_; }

 private:
  struct Entry {
    bool subdomains;
    std::size_t first;  // of its keys among all
    std::size_t count;
  };
  const Entry* find(const DomainName& name) const;

  std::unordered_map<std::string, Entry> domains_;
  std::vector<SigningKey> keys_;
  std::shared_ptr<const KeyFiles> files_;
};

}  // namespace authmilter
