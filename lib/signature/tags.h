#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/canonicalization.h>
#include <authmilter/crypto.h>
#include <authmilter/domain_name.h>

namespace authmilter {

// The values of the tags that DKIM-Signature (RFC 6376 section 3.5), ARC-Message-Signature and
// ARC-Seal (RFC 8617 sections 4.1.2 and 4.1.3) have in common. Nothing for a value that breaks the
// grammar or a limit of ours.

/// What a sender can grow in one field. Real signatures are below 2 KiB.
constexpr std::size_t kSignatureFieldOctets = std::size_t{16} * 1024;

/// d=: two labels or more, and no dot at its end.
std::optional<DomainName> read_signing_domain(std::string_view value);

/// False for names that no public resolver answers for (RFC 6761, 6762, 7686, 9476 and the IANA's
/// special-use list): a sender must not make us ask a private one for them.
bool is_public(const DomainName& domain);

/// a=, with sha256 only: what RFC 8301 section 3.1 forbids is not read here.
std::optional<KeyType> read_algorithm(std::string_view value);

/// The text of b= or bh= without the blanks that may stand anywhere in it.
std::string without_fws(std::string_view value);
/// b=, given without blanks; not empty.
std::optional<Octets> read_signature_value(std::string_view encoded);
/// bh=
std::optional<Sha256Digest> read_body_hash(std::string_view value);

struct Canonicalizations {
  Canonicalization header = Canonicalization::simple;
  Canonicalization body = Canonicalization::simple;
};
/// c=; a lone word is the header's.
std::optional<Canonicalizations> read_canonicalizations(std::string_view value);

/// h=: how many names it may have, and octets.
bool has_too_many_names(std::string_view value);
/// h=: the names in lower case.
std::optional<std::vector<std::string>> read_signed_names(std::string_view value);

/// t= and x=: seconds since 1970.
std::optional<std::int64_t> read_time(std::string_view value);

/// An unsigned decimal number of at most `maximum_digits`, which are 18 or fewer.
std::optional<std::int64_t> read_decimal(std::string_view text, std::size_t maximum_digits);

}  // namespace authmilter
