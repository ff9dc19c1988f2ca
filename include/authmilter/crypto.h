#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter {

enum class KeyType : std::uint8_t { rsa, ed25519 };
std::string_view to_string(KeyType type);

using Octets = std::vector<std::uint8_t>;
using Sha256Digest = std::array<std::uint8_t, 32>;
Sha256Digest sha256(std::string_view data);

/// Strict base64 (RFC 4648) without blanks; nothing for anything else.
std::optional<Octets> base64_decode(std::string_view text);
std::string base64_encode(std::span<const std::uint8_t> octets);

/// A public key, parsed once and kept; thread-safe, immutable.
class PublicKey {
 public:
  /// `p=` of a key record, decoded: for rsa SubjectPublicKeyInfo or bare RSAPublicKey
  /// (RFC 6376 erratum 3017), for ed25519 the 32 octets of RFC 8463. Moduli above 8192 bits and
  /// exponents above 2^32 are refused before anything is computed with them.
  static Result<std::shared_ptr<const PublicKey>> from_dns(KeyType type, const Octets& octets);
  virtual ~PublicKey() = default;

  virtual KeyType type() const = 0;
  virtual unsigned bits() const = 0;  // RSA modulus; 256 for ed25519
  /// Verifies a signature over an already computed SHA-256 hash: RSASSA-PKCS1-v1_5 (RFC 6376
  /// section 3.3), or PureEdDSA over the hash's octets (RFC 8463 section 3).
  virtual bool verify_sha256(const Sha256Digest& digest,
                             std::span<const std::uint8_t> signature) const = 0;
};

}  // namespace authmilter
