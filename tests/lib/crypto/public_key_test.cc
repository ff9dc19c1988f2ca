#include <authmilter/crypto.h>

#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "vectors.h"

using authmilter::KeyType;
using authmilter::Octets;
using authmilter::PublicKey;
using vectors::base64;
using vectors::hex_digest;

namespace {

Octets joined(std::initializer_list<Octets> parts) {
  Octets all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Octets der(std::uint8_t tag, const Octets& content) {
  Octets head = {tag};
  if (content.size() < 0x80) {
    head.push_back(static_cast<std::uint8_t>(content.size()));
  } else if (content.size() < 0x100) {
    head.insert(head.end(), {0x81, static_cast<std::uint8_t>(content.size())});
  } else {
    head.insert(head.end(), {0x82, static_cast<std::uint8_t>(content.size() >> 8U),
                             static_cast<std::uint8_t>(content.size() & 0xffU)});
  }
  return joined({head, content});
}

/// A modulus of this many bits: ones at both ends.
Octets modulus(std::size_t bits) {
  Octets number((bits + 7) / 8, 0x55);
  number.front() = static_cast<std::uint8_t>(1U << ((bits - 1) % 8));
  number.back() = 0x01;
  if (number.front() >= 0x80) number.insert(number.begin(), 0x00);
  return number;
}

Octets hex(const char* digits) {
  const auto octets = hex_digest(digits);
  return {octets.begin(), octets.end()};
}

const Octets kF4 = {0x01, 0x00, 0x01};

Octets rsa_key(const Octets& n, const Octets& e) {
  return der(0x30, joined({der(0x02, n), der(0x02, e)}));
}

const Octets kRsaEncryption = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
const Octets kNull = {0x05, 0x00};

Octets key_info(const Octets& algorithm, const Octets& key) {
  return der(0x30, joined({der(0x30, algorithm), der(0x03, joined({{0x00}, key}))}));
}

}  // namespace

TEST_CASE("the keys of RFC 8463 appendix A verify its signatures") {
  const struct {
    std::string why;
    KeyType type;
    const char* key;
    unsigned bits;
    const char* digest;
    const char* signature;
  } rows[] = {
      {"ed25519", KeyType::ed25519, vectors::kEd25519Public, 256, vectors::kEd25519Digest,
       vectors::kEd25519Signature},
      {"rsa", KeyType::rsa, vectors::kRsaPublic, 1024, vectors::kRsaDigest, vectors::kRsaSignature},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto key = PublicKey::from_dns(row.type, base64(row.key));
    REQUIRE(key);
    CHECK((*key)->type() == row.type);
    CHECK((*key)->bits() == row.bits);
    const auto digest = hex_digest(row.digest);
    const auto signature = base64(row.signature);
    CHECK((*key)->verify_sha256(digest, signature));

    for (const std::size_t at : {std::size_t{0}, signature.size() / 2, signature.size() - 1}) {
      CAPTURE(at);
      auto changed = signature;
      changed[at] ^= 0x01U;
      CHECK_FALSE((*key)->verify_sha256(digest, changed));
    }
    auto other = digest;
    other[31] ^= 0x80U;
    CHECK_FALSE((*key)->verify_sha256(other, signature));
    CHECK_FALSE((*key)->verify_sha256(digest, {}));
    auto length = signature;
    length.push_back(0);
    CHECK_FALSE((*key)->verify_sha256(digest, length));
    length.resize(signature.size() - 1);
    CHECK_FALSE((*key)->verify_sha256(digest, length));
    length = signature;
    length.insert(length.begin(), 0);
    CHECK_FALSE((*key)->verify_sha256(digest, length));
  }
}

TEST_CASE("an RSA key verifies in either wrapping (RFC 6376 section 3.6.1, erratum 3017)") {
  const auto digest = authmilter::sha256("abc");
  for (const auto* text : {vectors::kRsaPemPublic, vectors::kRsaPemBarePublic}) {
    CAPTURE(text);
    const auto key = PublicKey::from_dns(KeyType::rsa, base64(text));
    REQUIRE(key);
    CHECK((*key)->verify_sha256(digest, base64(vectors::kRsaPemSignature)));
  }
}

TEST_CASE("what is an RSA public key (RFC 8017 appendix A.1.1, RFC 3279 section 2.3.1)") {
  const Octets good = rsa_key(modulus(1024), kF4);
  const struct {
    std::string why;
    Octets octets;
    unsigned bits;  // 0: refused
  } rows[] = {
      {"bare", good, 1024},
      {"wrapped", key_info(joined({kRsaEncryption, kNull}), good), 1024},
      {"wrapped without parameters", key_info(kRsaEncryption, good), 1024},
      {"small keys are keys: who wants them longer says so", rsa_key(modulus(512), kF4), 512},
      {"1023 bits", rsa_key(modulus(1023), kF4), 1023},
      {"1025 bits (A238)", rsa_key(modulus(1025), kF4), 1025},
      {"2047 bits (A238)", rsa_key(modulus(2047), kF4), 2047},
      {"8191 bits (A238)", rsa_key(modulus(8191), kF4), 8191},
      {"8192 bits", rsa_key(modulus(8192), kF4), 8192},
      {"8193 bits", rsa_key(modulus(8193), kF4), 0},
      {"16384 bits", rsa_key(modulus(16384), kF4), 0},
      {"exponent 3", rsa_key(modulus(1024), {0x03}), 1024},
      {"exponent 2^32 - 3 (A238)", rsa_key(modulus(1024), {0x00, 0xff, 0xff, 0xff, 0xfd}), 1024},
      {"exponent 2^32 - 1", rsa_key(modulus(1024), {0x00, 0xff, 0xff, 0xff, 0xff}), 1024},
      {"beside 4096 bits", rsa_key(modulus(4096), {0x00, 0xff, 0xff, 0xff, 0xff}), 4096},
      {"beside 4097 bits (A245)", rsa_key(modulus(4097), {0x00, 0xff, 0xff, 0xff, 0xff}), 0},
      {"65539 beside 8192 bits (A245)", rsa_key(modulus(8192), {0x01, 0x00, 0x03}), 0},
      {"exponent 2^32", rsa_key(modulus(1024), {0x01, 0x00, 0x00, 0x00, 0x00}), 0},
      {"exponent 2^32 + 1", rsa_key(modulus(1024), {0x01, 0x00, 0x00, 0x00, 0x01}), 0},
      {"exponent as long as the modulus", rsa_key(modulus(1024), modulus(1024)), 0},
      {"exponent 1", rsa_key(modulus(1024), {0x01}), 0},
      {"exponent 2", rsa_key(modulus(1024), {0x02}), 0},
      {"exponent 0", rsa_key(modulus(1024), {0x00}), 0},
      {"negative exponent", rsa_key(modulus(1024), {0xff}), 0},
      {"modulus 0", rsa_key({0x00}, kF4), 0},
      {"negative modulus", rsa_key({0x80, 0x01}, kF4), 0},
      {"even modulus", rsa_key({0x7f, 0x02}, kF4), 0},
      {"even modulus of 2048 bits (A238)",
       rsa_key(
           [] {
             Octets even = modulus(2048);
             even.back() = 0x02;
             return even;
           }(),
           kF4),
       0},
      {"modulus of 40 bits, no room for a hash (A238)", rsa_key(modulus(40), kF4), 40},
      {"modulus with a needless zero", rsa_key({0x00, 0x7f, 0x01}, kF4), 0},
      {"modulus without octets", rsa_key({}, kF4), 0},
      {"empty", {}, 0},
      {"octets behind the key", joined({good, {0x00}}), 0},
      {"an element behind the exponent",
       der(0x30, joined({der(0x02, modulus(1024)), der(0x02, kF4), der(0x02, {0x01})})), 0},
      {"no exponent", der(0x30, der(0x02, modulus(1024))), 0},
      {"cut short", Octets(good.begin(), good.end() - 1), 0},
      {"indefinite length", {0x30, 0x80, 0x02, 0x01, 0x0f, 0x02, 0x01, 0x03, 0x00, 0x00}, 0},
      {"length in more octets than needed",
       {0x30, 0x81, 0x06, 0x02, 0x01, 0x0f, 0x02, 0x01, 0x03},
       0},
      {"length of four octets", {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x02, 0x01, 0x0f}, 0},
      {"length beyond the end", {0x30, 0x82, 0xff, 0xff, 0x02, 0x01, 0x0f}, 0},
      {"RSASSA-PSS",
       key_info({0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}, good), 0},
      {"Ed25519 in SubjectPublicKeyInfo",
       key_info({0x06, 0x03, 0x2b, 0x65, 0x70}, base64(vectors::kEd25519Public)), 0},
      {"32 octets of Ed25519", base64(vectors::kEd25519Public), 0},
      {"unused bits",
       der(0x30,
           joined({der(0x30, joined({kRsaEncryption, kNull})), der(0x03, joined({{0x01}, good}))})),
       0},
      {"octets behind the inner key",
       key_info(joined({kRsaEncryption, kNull}), joined({good, {0x00}})), 0},
      {"an element behind the bit string",
       der(0x30, joined({der(0x30, joined({kRsaEncryption, kNull})),
                         der(0x03, joined({{0x00}, good})), kNull})),
       0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto key = PublicKey::from_dns(KeyType::rsa, row.octets);
    CHECK((key ? (*key)->bits() : 0U) == row.bits);
    // Whatever is accepted can be asked; no signature of zeros is good.
    if (key) {
      CHECK_FALSE((*key)->verify_sha256(authmilter::sha256(""), Octets((row.bits + 7) / 8)));
    } else {
      CHECK_FALSE(key.error().message.empty());
    }
  }
}

TEST_CASE("an Ed25519 key is 32 octets (RFC 8463 section 4.2)") {
  const struct {
    std::string why;
    Octets octets;
    bool accepted;
  } rows[] = {
      {"32", base64(vectors::kEd25519Public), true},
      {"31", Octets(31, 0x01), false},
      {"33", Octets(33, 0x01), false},
      {"empty", {}, false},
      {"SubjectPublicKeyInfo",
       key_info({0x06, 0x03, 0x2b, 0x65, 0x70}, base64(vectors::kEd25519Public)), false},
      {"an RSA key", base64(vectors::kRsaPublic), false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto key = PublicKey::from_dns(KeyType::ed25519, row.octets);
    CHECK(static_cast<bool>(key) == row.accepted);
  }
}

TEST_CASE("Ed25519 verification is strict (RFC 8032 section 5.1.7, edge case 63)") {
  const auto digest = hex_digest(vectors::kEd25519Digest);
  const auto good = base64(vectors::kEd25519Signature);
  const auto key = PublicKey::from_dns(KeyType::ed25519, base64(vectors::kEd25519Public));
  REQUIRE(key);
  CHECK((*key)->verify_sha256(digest, good));
  // S and S + L are the same number to the curve; only the smaller one is a signature.
  Octets grown = good;
  const Octets order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    carry += static_cast<unsigned>(grown[32 + i]) + order[i];
    grown[32 + i] = static_cast<std::uint8_t>(carry & 255U);
    carry >>= 8U;
  }
  CHECK(grown != good);
  CHECK_FALSE((*key)->verify_sha256(digest, grown));

  const struct {
    std::string why;
    const char* point;
  } rows[] = {
      {"order 1", "0100000000000000000000000000000000000000000000000000000000000000"},
      {"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"order 4", "0000000000000000000000000000000000000000000000000000000000000000"},
      {"order 4", "0000000000000000000000000000000000000000000000000000000000000080"},
      {"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
      {"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"},
      {"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
      {"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"},
      {"order 1, x = -0", "0100000000000000000000000000000000000000000000000000000000000080"},
      {"order 2, x = -0", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
      {"order 4, written as p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"order 1, written as p + 1",
       "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.point);
    CHECK_FALSE(PublicKey::from_dns(KeyType::ed25519, hex(row.point)));
  }
}

TEST_CASE("a public key serves several threads at once") {
  const auto key = PublicKey::from_dns(KeyType::rsa, base64(vectors::kRsaPublic));
  REQUIRE(key);
  const auto digest = hex_digest(vectors::kRsaDigest);
  const auto signature = base64(vectors::kRsaSignature);
  std::array<int, 4> good{};
  {
    std::vector<std::jthread> threads;
    for (int& count : good) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) count += (*key)->verify_sha256(digest, signature) ? 1 : 0;
      });
    }
  }
  CHECK(good == std::array<int, 4>{50, 50, 50, 50});
}
