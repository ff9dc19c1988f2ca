#include <authmilter/crypto.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/der.h"
#include "crypto/openssl.h"

namespace authmilter {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kMaximumExponent = std::uint64_t{1} << 32U;
// A verification takes the square of the modulus' length times the exponent's: what is longer than
// real keys is so in one of them only.
constexpr unsigned kLongModulusBits = 4096;
constexpr std::uint64_t kExponentOfLongModulus = 65'537;

class RsaPublicKey final : public PublicKey {
 public:
  /// `ready` is made ready for one verification, and is copied for each.
  RsaPublicKey(KeyContext ready, unsigned bits) : ready_(std::move(ready)), bits_(bits) {}

  KeyType type() const override { return KeyType::rsa; }
  unsigned bits() const override { return bits_; }

  bool verify_sha256(const Sha256Digest& digest,
                     std::span<const std::uint8_t> signature) const override {
    const ErrorScope errors;
    const KeyContext context(EVP_PKEY_CTX_dup(ready_.get()));
    return context && EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                                      digest.data(), digest.size()) == 1;
  }

 private:
  KeyContext ready_;
  unsigned bits_;
};

/// What a verification needs that is not of the message; nothing when OpenSSL does not take the
/// key.
KeyContext ready_to_verify(EVP_PKEY* key) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_verify_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), fetched_sha256()) != 1) {
    return nullptr;
  }
  return context;
}

class Ed25519PublicKey final : public PublicKey {
 public:
  explicit Ed25519PublicKey(Key key) : key_(std::move(key)) {}

  KeyType type() const override { return KeyType::ed25519; }
  unsigned bits() const override { return kEd25519Bits; }

  bool verify_sha256(const Sha256Digest& digest,
                     std::span<const std::uint8_t> signature) const override {
    if (signature.size() != kEd25519SignatureSize) return false;
    const ErrorScope errors;
    const DigestContext context(EVP_MD_CTX_new());
    return context &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), digest.data(),
                            digest.size()) == 1;
  }

 private:
  Key key_;
};

std::uint64_t number(OctetsView octets) {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) value = value << 8U | octet;
  return value;
}

BigNumber big_number(OctetsView octets) {
  return BigNumber(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
}

/// OpenSSL's own decoder takes five times as long to read a key as to verify with it, so it is
/// given the numbers.
Key make_rsa_key(const RsaNumbers& numbers) {
  const BigNumber modulus = big_number(numbers.modulus);
  const BigNumber exponent = big_number(numbers.exponent);
  const ParametersBuilder builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return nullptr;
  }
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return Key(key);
}

Result<std::shared_ptr<const PublicKey>> rsa_from_dns(OctetsView octets) {
  const auto numbers = parse_rsa_public_key(octets);
  if (!numbers) return Error{"not an RSA public key"};
  const auto bits = static_cast<unsigned>((numbers->modulus.size() - 1) * 8) +
                    static_cast<unsigned>(std::bit_width(numbers->modulus.front()));
  if (bits > kMaximumRsaBits) return Error{"the RSA modulus is too long"};
  if ((numbers->modulus.back() & 1U) == 0) return Error{"the RSA modulus is even"};
  // 2^32 itself is even, so five octets suffice for the question.
  if (numbers->exponent.size() > 5 || number(numbers->exponent) > kMaximumExponent) {
    return Error{"the RSA exponent is too large"};
  }
  if (bits > kLongModulusBits && number(numbers->exponent) > kExponentOfLongModulus)
    return Error{"the RSA exponent is too large for so long a modulus"};
  // With an exponent of 1 anything "signs" itself.
  if (number(numbers->exponent) < 3 || number(numbers->exponent) % 2 == 0) {
    return Error{"the RSA exponent is not an odd number above 1"};
  }
  const Key key = make_rsa_key(*numbers);
  KeyContext ready = key ? ready_to_verify(key.get()) : nullptr;
  if (!ready) return Error{"the RSA key is unusable"};
  return std::shared_ptr<const PublicKey>(std::make_shared<RsaPublicKey>(std::move(ready), bits));
}

/// The points of small order of edwards25519 (RFC 8032 section 5.1), in all their encodings but for
/// the sign of x. With such a key one signature fits every message.
constexpr std::array<std::string_view, 7> kSmallOrderPoints = {
    // 1 and 0, which are of order 1 and 4, and both once more with p added
    "\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv,
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv,
    "\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
    "\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
    // p - 1, of order 2
    "\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
    // of order 8
    "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
    "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"sv,
    "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
    "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"sv,
};

bool has_small_order(OctetsView point) {
  return std::any_of(
      kSmallOrderPoints.begin(), kSmallOrderPoints.end(), [&](std::string_view small) {
        const auto same = [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; };
        const auto last = static_cast<std::uint8_t>(point.back() & 0x7fU);
        return same(small.back(), last) &&
               std::equal(small.begin(), small.end() - 1, point.begin(), same);
      });
}

Result<std::shared_ptr<const PublicKey>> ed25519_from_dns(OctetsView octets) {
  // RFC 8463 section 4.2: the 32 octets, not a SubjectPublicKeyInfo.
  if (octets.size() != kEd25519KeySize) return Error{"not an Ed25519 public key of 32 octets"};
  if (has_small_order(octets)) return Error{"the Ed25519 key is a point of small order"};
  Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets.data(), octets.size()));
  if (!key) return Error{"the Ed25519 key is unusable"};
  return std::shared_ptr<const PublicKey>(std::make_shared<Ed25519PublicKey>(std::move(key)));
}

}  // namespace

Result<std::shared_ptr<const PublicKey>> PublicKey::from_dns(KeyType type, const Octets& octets) {
  const ErrorScope errors;
  switch (type) {
    case KeyType::rsa:
      return rsa_from_dns(octets);
    case KeyType::ed25519:
      return ed25519_from_dns(octets);
  }
  return Error{"unknown key type"};
}

}  // namespace authmilter
