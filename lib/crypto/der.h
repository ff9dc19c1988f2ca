#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <authmilter/crypto.h>

namespace authmilter {

using OctetsView = std::span<const std::uint8_t>;

/// The two numbers of an RSA public key, big-endian without leading zeros, as views into the key.
struct RsaNumbers {
  OctetsView modulus;
  OctetsView exponent;
};

/// Reads a SubjectPublicKeyInfo with rsaEncryption (RFC 3279 section 2.3.1) or a bare RSAPublicKey
/// (RFC 8017 appendix A.1.1). DER only, to the last octet: what another parser might read
/// differently is refused.
std::optional<RsaNumbers> parse_rsa_public_key(OctetsView der);

/// What the outside of a private key shows.
struct PrivateKeyShape {
  KeyType type;
  unsigned bits;
};

/// Looks at a PrivateKeyInfo (RFC 5208 section 5) or a bare RSAPrivateKey (RFC 8017 appendix
/// A.1.2), without a doubt about whether its numbers fit together. Nothing for what is not clearly
/// an RSA or an Ed25519 key (RFC 8410 section 7).
std::optional<PrivateKeyShape> private_key_shape(OctetsView der);

/// The SubjectPublicKeyInfo of a key with these numbers, which are not empty.
std::vector<std::uint8_t> subject_public_key_info(const RsaNumbers& numbers);

}  // namespace authmilter
