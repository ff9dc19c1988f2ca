#pragma once

#include <cstdint>
#include <optional>
#include <span>

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

}  // namespace authmilter
