#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/crypto.h>
#include <authmilter/dkim.h>

#include "signature/header_hash.h"

namespace authmilter {

/// A signature that can be worked with: every tag that we use is checked.
struct DkimSignature {
  KeyType key_type = KeyType::rsa;  // a=, always with sha256
  SignedHeader header;              // h=, and the first half of c=
  Canonicalization body_canonicalization = Canonicalization::simple;
  std::optional<DomainName> identity_domain;  // of i=; always set
  Octets signature;                           // b=, decoded
  Sha256Digest body_hash{};                   // bh=, decoded
  std::optional<std::uint64_t> body_length;   // l=
  std::optional<std::int64_t> timestamp;      // t=
  std::optional<std::int64_t> expiration;     // x=
};

/// What a DKIM-Signature field says: `signature`, or in `outcome` the result and the reason why
/// there is none. Names in `outcome` are set as far as they are well formed.
struct SignatureField {
  std::optional<DkimSignature> signature;
  DkimOutcome outcome;
  std::string encoded_signature;  // b= without blanks; empty when it is not base64
};

/// Checks the value of a DKIM-Signature field (RFC 6376 sections 3.5 and 6.1.1) before anything
/// else sees it. Pure; needs no key and no clock.
SignatureField read_signature(std::string_view value);

/// The verdict of t= and x= (RFC 6376 section 3.5) at `options.now`; nothing when they allow it.
struct TimeVerdict {
  DkimResult result;
  DkimReason reason;
};
std::optional<TimeVerdict> check_time(const DkimSignature& signature,
                                      const DkimVerifyOptions& options);

}  // namespace authmilter
