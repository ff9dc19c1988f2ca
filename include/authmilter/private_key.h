#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/crypto.h>
#include <authmilter/result.h>

namespace authmilter {

/// A private key, wherever it is kept: what signs with it need not be able to read it. Thread-safe.
/// What it is never changes; whether it can be used may, where it is in a token.
class PrivateKey {
 public:
  virtual ~PrivateKey() = default;

  /// Why it cannot be used now, though it may be later: nothing for a key in this process. While a
  /// key has not been there at all it is not known what it is: to ask for its type, bits or public
  /// half is then a std::logic_error.
  virtual std::optional<Error> unavailable() const { return std::nullopt; }

  virtual KeyType type() const = 0;
  virtual unsigned bits() const = 0;  // RSA modulus; 256 for ed25519
  /// A signature over an already computed SHA-256 hash, as PublicKey::verify_sha256() takes it. A
  /// key in a token may take as long as it was given, and fail.
  virtual Result<Octets> sign_sha256(const Sha256Digest& digest) const = 0;
  /// `p=` of the key record to publish: base64 of SubjectPublicKeyInfo (RFC 6376 section 3.6.1), or
  /// of the 32 octets of an ed25519 key (RFC 8463 section 4.2).
  virtual std::string dns_public_key() const = 0;
};

/// A key from PEM text (PKCS#8, or PKCS#1 RSA), never encrypted; RSA of 1024 to 8192 bits. It is
/// kept in this process, and wiped from memory when dropped. Errors begin with `name`.
Result<std::shared_ptr<const PrivateKey>> private_key_from_pem(std::string_view pem,
                                                               const std::string& name);

/// The same, for many: an RSA key is made ready and tried, which takes a millisecond, when it is
/// first used. Its kind and length are known at once. One that turns out bad then cannot sign, and
/// has no public half: dns_public_key() is empty.
Result<std::shared_ptr<const PrivateKey>> deferred_private_key(std::string_view pem,
                                                               const std::string& name);

/// A key that was just made, and the text to keep it in (PEM of PKCS#8).
struct NewPrivateKey {
  std::shared_ptr<const PrivateKey> key;
  std::string pem;
};
/// `bits` counts for rsa only.
Result<NewPrivateKey> generate_private_key(KeyType type, unsigned bits);

}  // namespace authmilter
