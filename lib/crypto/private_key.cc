#include <authmilter/private_key.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/der.h"
#include "crypto/openssl.h"
#include "crypto/pem_octets.h"

namespace authmilter {
namespace {

struct FreeOctets {
  void operator()(unsigned char* octets) const noexcept { OPENSSL_free(octets); }
};
using OpensslOctets = std::unique_ptr<unsigned char, FreeOctets>;

/// What a signature by an RSA key needs that is not of the message; nothing when OpenSSL does not
/// take the key.
KeyContext ready_to_sign(EVP_PKEY* key) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), fetched_sha256()) != 1) {
    return nullptr;
  }
  return context;
}

Result<Octets> sign_rsa(const EVP_PKEY_CTX* ready, std::size_t octets, const Sha256Digest& digest) {
  const KeyContext context(ready == nullptr ? nullptr : EVP_PKEY_CTX_dup(ready));
  Octets signature(octets);
  std::size_t size = signature.size();
  if (!context ||
      EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) != 1) {
    return Error{"the RSA key cannot sign"};
  }
  signature.resize(size);
  return signature;
}

Result<Octets> sign_ed25519(EVP_PKEY* key, const Sha256Digest& digest) {
  // RFC 8463 section 3: PureEdDSA over the hash, so no digest of EVP's own.
  const DigestContext context(EVP_MD_CTX_new());
  Octets signature(kEd25519SignatureSize);
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, digest.data(), digest.size()) != 1) {
    return Error{"the Ed25519 key cannot sign"};
  }
  return signature;
}

std::optional<Octets> subject_public_key_info(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  const OpensslOctets owner(der);
  if (size <= 0) return std::nullopt;
  return Octets(der, der + size);
}

std::optional<Octets> raw_public_key(EVP_PKEY* key) {
  Octets octets(kEd25519KeySize);
  std::size_t size = octets.size();
  if (EVP_PKEY_get_raw_public_key(key, octets.data(), &size) != 1) return std::nullopt;
  return octets;
}

std::optional<Octets> public_octets(EVP_PKEY* key, KeyType type) {
  return type == KeyType::rsa ? subject_public_key_info(key) : raw_public_key(key);
}

/// A key in the memory of this process.
class EvpPrivateKey final : public PrivateKey {
 public:
  EvpPrivateKey(Key key, KeyType type, const Octets& public_key)
      : key_(std::move(key)),
        ready_(type == KeyType::rsa ? ready_to_sign(key_.get()) : nullptr),
        type_(type),
        dns_public_key_(base64_encode(public_key)) {}

  KeyType type() const override { return type_; }
  unsigned bits() const override {
    return type_ == KeyType::rsa ? static_cast<unsigned>(EVP_PKEY_get_bits(key_.get()))
                                 : kEd25519Bits;
  }

  Result<Octets> sign_sha256(const Sha256Digest& digest) const override {
    const ErrorScope errors;
    return type_ == KeyType::rsa
               ? sign_rsa(ready_.get(), static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())),
                          digest)
               : sign_ed25519(key_.get(), digest);
  }

  std::string dns_public_key() const override { return dns_public_key_; }

 private:
  Key key_;
  KeyContext ready_;  // RSA: copied for each signature
  KeyType type_;
  std::string dns_public_key_;
};

/// OpenSSL would ask on the terminal; a daemon has none, so an encrypted key is an error.
extern "C" int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/,
                             void* /*user*/) noexcept {
  return -1;
}

/// A key whose public part does not belong to its private part would sign what nobody can verify.
bool halves_match(const PrivateKey& key, const Octets& public_octets) {
  const Sha256Digest probe = sha256("authmilter");
  const auto signature = key.sign_sha256(probe);
  if (!signature) return false;
  const auto public_key = PublicKey::from_dns(key.type(), public_octets);
  return public_key && (*public_key)->verify_sha256(probe, *signature);
}

Result<std::shared_ptr<const PrivateKey>> adopt(Key key, const std::string& name) {
  const bool ed25519 = EVP_PKEY_is_a(key.get(), "ED25519") == 1;
  if (!ed25519 && EVP_PKEY_is_a(key.get(), "RSA") != 1)
    return Error{name + ": neither an RSA nor an Ed25519 key"};
  const int bits = EVP_PKEY_get_bits(key.get());
  if (!ed25519 &&
      (bits < static_cast<int>(kMinimumSigningBits) || bits > static_cast<int>(kMaximumRsaBits))) {
    return Error{name + ": an RSA key of " + std::to_string(bits) + " bits, not of " +
                 std::to_string(kMinimumSigningBits) + " to " + std::to_string(kMaximumRsaBits)};
  }
  const KeyType type = ed25519 ? KeyType::ed25519 : KeyType::rsa;
  const auto octets = public_octets(key.get(), type);
  if (!octets) return Error{name + ": the public half cannot be had"};
  auto adopted = std::make_shared<const EvpPrivateKey>(std::move(key), type, *octets);
  if (!ed25519 && !halves_match(*adopted, *octets))
    return Error{name + ": the RSA key's numbers do not fit together"};
  return std::shared_ptr<const PrivateKey>(std::move(adopted));
}

/// A key that is made ready when it is first used.
class DeferredPrivateKey final : public PrivateKey {
 public:
  DeferredPrivateKey(SecretOctets der, PrivateKeyShape shape)
      : der_(std::move(der)), shape_(shape) {}

  KeyType type() const override { return shape_.type; }
  unsigned bits() const override { return shape_.bits; }
  Result<Octets> sign_sha256(const Sha256Digest& digest) const override {
    const auto& key = ready();
    return key ? (*key)->sign_sha256(digest) : Result<Octets>(key.error());
  }
  std::string dns_public_key() const override {
    const auto& key = ready();
    return key ? (*key)->dns_public_key() : std::string();
  }

 private:
  using Ready = Result<std::shared_ptr<const PrivateKey>>;

  const Ready& ready() const {
    std::call_once(once_, [this] {
      ready_ = std::make_unique<const Ready>(read());
      der_.reset();
    });
    return *ready_;
  }
  Ready read() const {
    const ErrorScope errors;
    const unsigned char* octets = der_->view().data();
    Key key(d2i_AutoPrivateKey(nullptr, &octets, static_cast<long>(der_->view().size())));
    if (!key) return Error{"the key's octets are not a private key"};
    auto made = adopt(std::move(key), "the key");
    if (made && ((*made)->type() != shape_.type || (*made)->bits() != shape_.bits))
      return Error{"the key is not what it seemed to be"};
    return made;
  }

  mutable std::once_flag once_;
  mutable std::optional<SecretOctets> der_;  // until it is ready
  mutable std::unique_ptr<const Ready> ready_;
  PrivateKeyShape shape_;
};

Key new_key(KeyType type, unsigned bits) {
  switch (type) {
    case KeyType::ed25519:
      return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    case KeyType::rsa:
      return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
  }
  return nullptr;
}

/// PKCS#8 in PEM form.
std::optional<std::string> pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return std::nullopt;
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

Result<std::shared_ptr<const PrivateKey>> private_key_from_pem(std::string_view pem,
                                                               const std::string& name) {
  const ErrorScope errors;
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
    return Error{name + ": not a private key in PEM form"};
  }
  // "BEGIN ENCRYPTED PRIVATE KEY" of PKCS#8, "Proc-Type: 4,ENCRYPTED" of the older form.
  if (pem.find("ENCRYPTED") != std::string_view::npos) {
    return Error{name + ": the key is encrypted with a passphrase"};
  }
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key) return Error{name + ": not a usable private key in PEM form"};
  return adopt(std::move(key), name);
}

Result<std::shared_ptr<const PrivateKey>> deferred_private_key(std::string_view pem,
                                                               const std::string& name) {
  auto der = octets_of_pem(pem);
  const auto shape = der ? private_key_shape(der->view()) : std::nullopt;
  // What is unusual is judged by OpenSSL at once, and so are lengths that are refused.
  const bool usual =
      shape && (shape->type == KeyType::ed25519 ||
                (shape->bits >= kMinimumSigningBits && shape->bits <= kMaximumRsaBits));
  if (!usual) return private_key_from_pem(pem, name);
  return std::shared_ptr<const PrivateKey>(
      std::make_shared<const DeferredPrivateKey>(*std::move(der), *shape));
}

Result<NewPrivateKey> generate_private_key(KeyType type, unsigned bits) {
  const ErrorScope errors;
  const std::string name(to_string(type));
  if (type == KeyType::rsa && (bits < kMinimumSigningBits || bits > kMaximumRsaBits)) {
    return Error{name + ": a key has " + std::to_string(kMinimumSigningBits) + " to " +
                 std::to_string(kMaximumRsaBits) + " bits"};
  }
  Key key = new_key(type, bits);
  auto pem = key ? pem_of(key.get()) : std::nullopt;
  if (!pem) return Error{name + ": cannot generate a key"};
  auto adopted = adopt(std::move(key), name);
  if (!adopted) return adopted.error();
  return NewPrivateKey{std::move(*adopted), std::move(*pem)};
}

}  // namespace authmilter
