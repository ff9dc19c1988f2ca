#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/crypto.h>
#include <authmilter/resolver.h>

#include "base/locked.h"
#include "signature/key_record.h"

namespace authmilter {

/// Public keys by the hash of the text they were parsed from, so that a key is parsed once and not
/// for each message: parsing costs five times what verifying costs. Bounded; thread-safe.
class KeyCache {
 public:
  /// The key of a record; nothing when it is no key.
  std::shared_ptr<const PublicKey> parsed(const KeyRecord& record);

 private:
  using Keys = std::map<Sha256Digest, std::shared_ptr<const PublicKey>>;
  /// Two generations: what is not used while `young` fills up is forgotten.
  struct Generations {
    Keys young;
    Keys old;
  };
  Locked<Generations> generations_;
};

/// A key that may have made a signature.
struct CandidateKey {
  KeyRecord record;
  std::shared_ptr<const PublicKey> key;
};

/// What the DNS says about one selector.
struct KeyLookup {
  std::optional<FailedLookup> failed;  // there is no trustworthy answer
  bool secure = false;                 // DNSSEC
  std::vector<CandidateKey> keys;
  std::optional<KeyFault> fault;  // when there are no keys, though there is an answer
};

/// Asks for the key records under `name` (RFC 6376 section 6.1.2).
KeyLookup look_up_keys(const DomainName& name, Resolver& resolver, KeyCache& cache);

}  // namespace authmilter
