#include <authmilter/crypto.h>

#include <new>
#include <string>
#include <utility>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/openssl.h"

namespace authmilter {
namespace {

struct FreeOctets {
  void operator()(unsigned char* octets) const noexcept { OPENSSL_free(octets); }
};
using OpensslOctets = std::unique_ptr<unsigned char, FreeOctets>;

KeyContext new_context(EVP_PKEY* key) {
  return KeyContext(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
}

Result<Octets> sign_rsa(EVP_PKEY* key, const Sha256Digest& digest) {
  const KeyContext context = new_context(key);
  Octets signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = signature.size();
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) != 1 ||
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

Octets subject_public_key_info(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  const OpensslOctets owner(der);
  if (size <= 0) throw std::bad_alloc();
  return {der, der + size};
}

Octets raw_public_key(EVP_PKEY* key) {
  Octets octets(kEd25519KeySize);
  std::size_t size = octets.size();
  if (EVP_PKEY_get_raw_public_key(key, octets.data(), &size) != 1) throw std::bad_alloc();
  return octets;
}

class EvpPrivateKey final : public PrivateKey {
 public:
  EvpPrivateKey(Key key, KeyType type) : key_(std::move(key)), type_(type) {}

  KeyType type() const override { return type_; }
  unsigned bits() const override {
    return type_ == KeyType::rsa ? static_cast<unsigned>(EVP_PKEY_get_bits(key_.get()))
                                 : kEd25519Bits;
  }

  Result<Octets> sign_sha256(const Sha256Digest& digest) const override {
    const ErrorScope errors;
    return type_ == KeyType::rsa ? sign_rsa(key_.get(), digest) : sign_ed25519(key_.get(), digest);
  }

  std::string dns_public_key() const override {
    const ErrorScope errors;
    return base64_encode(public_octets());
  }

  std::string pem() const override {
    const ErrorScope errors;
    const Bio bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                              nullptr) != 1) {
      throw std::bad_alloc();
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  Octets public_octets() const {
    return type_ == KeyType::rsa ? subject_public_key_info(key_.get()) : raw_public_key(key_.get());
  }

 private:
  Key key_;
  KeyType type_;
};

/// OpenSSL would ask on the terminal; a daemon has none, so an encrypted key is an error.
extern "C" int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/,
                             void* /*user*/) noexcept {
  return -1;
}

/// A key whose public part does not belong to its private part would sign what nobody can verify.
bool halves_match(const EvpPrivateKey& key) {
  const Sha256Digest probe = sha256("authmilter");
  const auto signature = key.sign_sha256(probe);
  if (!signature) return false;
  const auto public_key = PublicKey::from_dns(key.type(), key.public_octets());
  return public_key && (*public_key)->verify_sha256(probe, *signature);
}

Result<std::shared_ptr<const PrivateKey>> adopt(Key key, const std::string& name) {
  if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) {
    return std::shared_ptr<const PrivateKey>(
        std::make_shared<EvpPrivateKey>(std::move(key), KeyType::ed25519));
  }
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return Error{name + ": neither an RSA nor an Ed25519 key"};
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < static_cast<int>(kMinimumSigningBits) || bits > static_cast<int>(kMaximumRsaBits)) {
    return Error{name + ": an RSA key of " + std::to_string(bits) + " bits, not of " +
                 std::to_string(kMinimumSigningBits) + " to " + std::to_string(kMaximumRsaBits)};
  }
  auto adopted = std::make_shared<EvpPrivateKey>(std::move(key), KeyType::rsa);
  if (!halves_match(*adopted)) return Error{name + ": the RSA key's numbers do not fit together"};
  return std::shared_ptr<const PrivateKey>(std::move(adopted));
}

}  // namespace

Result<std::shared_ptr<const PrivateKey>> PrivateKey::from_pem(std::string_view pem,
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
  if (!bio) throw std::bad_alloc();
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return Error{name + ": not a usable private key in PEM form"};
  return adopt(std::move(key), name);
}

Result<std::shared_ptr<const PrivateKey>> PrivateKey::generate(KeyType type, unsigned bits) {
  const ErrorScope errors;
  Key key;
  if (type == KeyType::ed25519) {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  } else {
    if (bits < kMinimumSigningBits || bits > kMaximumRsaBits) {
      return Error{"rsa: a key has " + std::to_string(kMinimumSigningBits) + " to " +
                   std::to_string(kMaximumRsaBits) + " bits"};
    }
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
  }
  if (!key) return Error{std::string(to_string(type)) + ": cannot generate a key"};
  return adopt(std::move(key), std::string(to_string(type)));
}

}  // namespace authmilter
