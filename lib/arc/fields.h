#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/arc.h>
#include <authmilter/crypto.h>
#include <authmilter/result.h>

#include "signature/header_hash.h"
#include "signature/tags.h"

namespace authmilter {

/// RFC 8617 section 4.2.1: at most 50 sets; "i=" of a field, from 1.
constexpr unsigned kMostArcSets = 50;

/// An ARC-Seal that can be worked with (RFC 8617 section 4.1.3).
struct ArcSeal {
  unsigned instance = 0;
  KeyType key_type = KeyType::rsa;  // a=, always with sha256
  DomainName domain;                // d=
  Selector selector;                // s=
  Octets signature;                 // b=, decoded
  ArcResult chain = ArcResult::none;
  std::optional<std::int64_t> timestamp;  // t=
  SignedHeader header;                    // no names: what it covers follows from the chain
};

/// An ARC-Message-Signature that can be worked with (RFC 8617 section 4.1.2).
struct ArcMessageSignature {
  KeyType key_type = KeyType::rsa;
  DomainName domain;
  Selector selector;
  Octets signature;
  Sha256Digest body_hash{};        // bh=, decoded
  std::vector<std::string> names;  // h=, lower case
  SignaturePlace place;
  /// c=; where it is missing what RFC 6376 section 3.5 makes of that, simple/simple, and what
  /// sealers that leave it out mean, relaxed/relaxed: the signature holds under either or not at
  /// all.
  std::vector<Canonicalizations> canonicalizations;
  std::optional<std::int64_t> timestamp;   // t=
  std::optional<std::int64_t> expiration;  // x=
};

/// What is wrong with a field: the tag that makes it useless, with its "="; or a few words.
struct FieldFault {
  std::string_view what;
  bool operator==(const FieldFault&) const = default;
};

/// The value of an ARC-Seal field. Pure.
Result<ArcSeal, FieldFault> read_seal(std::string_view value);

/// What an ARC-Seal field says of itself, whatever else is wrong with it; nothing without an
/// instance.
struct ArcSealClaim {
  unsigned instance = 0;
  std::optional<ArcResult> chain;  // cv=, where it is one
};
std::optional<ArcSealClaim> read_seal_claim(std::string_view value);

/// The value of an ARC-Message-Signature field: of every one the instance counts, the rest only
/// where the signature is to be validated.
struct ArcMessageSignatureField {
  unsigned instance = 0;
  Result<ArcMessageSignature, FieldFault> signature;
};
std::optional<ArcMessageSignatureField> read_message_signature(std::string_view value);

/// The value of an ARC-Authentication-Results field (RFC 8617 section 4.1.1). The chain needs its
/// instance; `results` is nothing where the rest breaks the grammar of RFC 8601.
struct ArcResultsField {
  unsigned instance = 0;
  std::optional<AuthenticationResults> results;
};
std::optional<ArcResultsField> read_arc_results(std::string_view value);

}  // namespace authmilter
