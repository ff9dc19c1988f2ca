#include "token/digest_info.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <authmilter/private_key.h>

#include "crypto/der.h"

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

}  // namespace

TEST_CASE("a DigestInfo that is only padded gives OpenSSL's signature (RFC 8017 section 9.2)") {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}), EVP_PKEY_free);
  REQUIRE(key);
  for (const std::string text : {"", "authmilter", "another"}) {
    CAPTURE(text);
    const auto digest = authmilter::sha256(text);
    const auto sign = [&](const EVP_MD* md, const unsigned char* input, std::size_t octets) {
      const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr),
                            EVP_PKEY_CTX_free);
      std::vector<unsigned char> signature(256);
      std::size_t size = signature.size();
      REQUIRE(EVP_PKEY_sign_init(context.get()) == 1);
      REQUIRE(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1);
      if (md != nullptr) REQUIRE(EVP_PKEY_CTX_set_signature_md(context.get(), md) == 1);
      REQUIRE(EVP_PKEY_sign(context.get(), signature.data(), &size, input, octets) == 1);
      return signature;
    };
    const auto info = authmilter::digest_info(digest);
    CHECK(sign(nullptr, info.data(), info.size()) ==
          sign(EVP_sha256(), digest.data(), digest.size()));
  }
}

TEST_CASE("a record's octets are made of an RSA key's numbers as OpenSSL makes them") {
  for (const unsigned bits : {1024U, 1032U, 2048U, 4096U}) {
    CAPTURE(bits);
    const auto made = authmilter::generate_private_key(authmilter::KeyType::rsa, bits);
    REQUIRE(made);
    const auto octets = authmilter::base64_decode(made->key->dns_public_key());
    REQUIRE(octets);
    const auto numbers = authmilter::parse_rsa_public_key(*octets);
    REQUIRE(numbers);
    CHECK(authmilter::subject_public_key_info(*numbers) == *octets);
  }
}
