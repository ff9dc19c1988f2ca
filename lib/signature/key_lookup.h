#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <authmilter/crypto.h>
#include <authmilter/resolver.h>

#include "signature/key_record.h"

namespace authmilter {

/// The key of a record; null when it is no key.
std::shared_ptr<const PublicKey> read_public_key(const KeyRecord& record);

/// A key that may have made a signature.
struct CandidateKey {
  KeyRecord record;
  std::shared_ptr<const PublicKey> key;
};

/// What the TXT records under the name of a selector are to a verifier (RFC 6376 section 6.1.2).
struct PublishedKeys {
  std::vector<CandidateKey> keys;
  std::optional<KeyFault> fault;  // when there are no keys

  static PublishedKeys parse(const DnsAnswer& answer);
  std::size_t octets() const;
};

/// What the DNS says about one selector.
struct KeyLookup {
  std::optional<FailedLookup> failed;              // there is no trustworthy answer
  bool secure = false;                             // DNSSEC
  std::shared_ptr<const PublishedKeys> published;  // null then

  std::span<const CandidateKey> keys() const;
  /// When there are no keys, though there is an answer.
  std::optional<KeyFault> fault() const;
};

/// Asks for the key records under `name` (RFC 6376 section 6.1.2). They are parsed once for as long
/// as the answer is kept: that costs five times what verifying costs.
KeyLookup look_up_keys(const DomainName& name, Resolver& resolver);

}  // namespace authmilter
