#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
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

/// A private key; thread-safe, immutable, wiped from memory when dropped.
class PrivateKey {
 public:
  /// PEM (PKCS#8, or PKCS#1 RSA), never encrypted; RSA of 1024 to 8192 bits.
  static Result<std::shared_ptr<const PrivateKey>> from_pem(std::string_view pem,
                                                            const std::string& name);
  /// Reads a key file. Refused: anything but a regular file; one that anybody may read but root,
  /// the user that runs this process and its group, or that a group may write; a file, directory or
  /// link on the way owned by neither root nor that user; a directory on the way that others or a
  /// group may write to (sticky ones excepted); more than 64 KiB.
  static Result<std::shared_ptr<const PrivateKey>> from_file(const std::filesystem::path& path);
  /// `bits` counts for rsa only.
  static Result<std::shared_ptr<const PrivateKey>> generate(KeyType type, unsigned bits);
  virtual ~PrivateKey() = default;

  virtual KeyType type() const = 0;
  virtual unsigned bits() const = 0;
  virtual Result<Octets> sign_sha256(const Sha256Digest& digest) const = 0;
  /// `p=` of the key record to publish: base64 of SubjectPublicKeyInfo, or of the 32 octets of an
  /// ed25519 key.
  virtual std::string dns_public_key() const = 0;
  virtual std::string pem() const = 0;  // PKCS#8
};

}  // namespace authmilter
