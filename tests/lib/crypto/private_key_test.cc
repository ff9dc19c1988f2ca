#include <authmilter/private_key.h>

#include <doctest/doctest.h>

#include <string>

#include "vectors.h"

using authmilter::generate_private_key;
using authmilter::KeyType;
using authmilter::private_key_from_pem;
using authmilter::PublicKey;
using vectors::base64;

namespace {

constexpr const char* kRsa512Pem =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBOQIBAAJBAKFjXHI7O3JTXw4l3nGkIKCB46zMAV11T3kjec/3IhjtJNxLeFTa\n"
    "L1z7Jvj3LsCe41e2ND5jg5GYxiUR3/2MTxMCAwEAAQJAcnd581+Fq3HsoqlDW9Dw\n"
    "f0eBR2cutK3m32HFHTcIzSoNm0pK+xvwtx/wSxinmsufKMGh2bREcUEuSb7dz5W5\n"
    "kQIhANFfE0sTyfdCEaxfZ51AS/5/hcQkZZT5lAIs3eRwM5YrAiEAxVSbxsPR+ype\n"
    "H4S4nG+7+w2/7foBHU38HxWOfO3jXrkCIE1lGdqs7AGsuJ/BfKnSdMUVGruQwMQ7\n"
    "Jg1PzI5/M3KVAiBjT6SikTThuj3qkOo0WQt7Wz0n8LWU4QWtQzUV7MeMiQIgVD1c\n"
    "xti9d+5F+rZJxgvRKqQcDYgAP8wZbTiPaTkQnto=\n"
    "-----END RSA PRIVATE KEY-----\n";

constexpr const char* kEcPem =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIJ/+wtI8XIURBOjAghoJS2zpLGWYCpUDqHpLJGgjNWBNoAoGCCqGSM49\n"
    "AwEHoUQDQgAEBSc1ndiGcIJHfJNG54oqGudZzqUCmWfOeC8Bi5mEHFsCiwCUKEnh\n"
    "NLdgrjVmFXwCGIoANAOzav7j6U88TcQJ+Q==\n"
    "-----END EC PRIVATE KEY-----\n";

constexpr const char* kEncryptedPkcs8Pem =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIIC3TBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIMaPVNP2lG0ECAggA\n"
    "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAECBBDKY0Mhq3HGekL1enrmb2Q0BIIC\n"
    "gDn8jefYLpebrjva8xVRzSMsxdcfZxNtJl6simYeq71WBUzkcU+zGZlWv3ml45yt\n"
    "j6Kq02ph0HOxTF4DqIHGH4O+VM2RbMgrirDQwvtcRB9C4t8rcLp1ULkQXgC6rxaj\n"
    "/z6PI1D2tLAZHr+8WY1oFMVIy9cvxAt+rRZ1hR3fW0moBSbtsN4mcKI5wrBJ5irP\n"
    "OBSgiYDez5/0QST15dnAGrzf2IJnkUTCVZneRdjetcERBLF0PEjAHmRLnlOTQfqb\n"
    "At8EPnqPiyj3rA4FDsaeZvtCCr0THlA5rIgpvYTSX5FTE0VKtKD97KUdFRUWi7ki\n"
    "JLJNXastLxb8rd4o8KshhmpHQMny0siB7BWkVonOlWfZZkwK/sE/gzYzY1j/sXy+\n"
    "fdJI+HBdOrQKRUDO5Ja4Ou8ZuGHlLDjYspdZVBIn2PacZ3ok/o00QNxTbCb8BROL\n"
    "naOCsKwgcXe50MeAaLonjVhnIb7OY/WRd7fXDSKVARBNlq6pgdImNF/uJdkytzPA\n"
    "r4IpUwtCnVJsWxoNRnkVgK8bXznL5Wi2zY+ItOYcdWSdMN2xgiv+dlhpzvAcdmgk\n"
    "0nSLnWHJI+c+Ob5xvJp0MmkirI9P7HEuNiCLn612hfYIEHZ8FNKbOSXBE2nXp3BY\n"
    "89VIlQQfznRXSEZNoQj+thhUDm0lMeDK4r14elf8M5hgqho/WAFz986W3+F4BQac\n"
    "RkWSVf39DBoAc1gOXkjKI95FLsHCNvusW4hCuXcEPds+S7Fj96nqVil/bgLsWOEr\n"
    "xBdUwaa3v7pcHnUpxKFDyCd46WXXJXyUtLiCkcCPD5pEPJweMXGfu+htdiRsobiH\n"
    "zmqsa8EQ0FwEpUn1oVSlCGo=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

constexpr const char* kEncryptedRsaPem =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,45217B40E5EEB2F6CC3A40209A006F0D\n"
    "\n"
    "p/XFiSUZf9cLIvkOE9dJwzDSx9wuJn8zNctzfW9dXmPWOQFlahAX9I/CT1QMCZ4Y\n"
    "tH80Y7Jq/nwrRtIj8UquxpwNimoK2cd96KwUMUdkn8lEuYWydMZQPnpCVriB/EAs\n"
    "/RCUihxoDW85qthUej2Va+u9W4IOhwPPkPPV+7u+eESthUxSjkJb9JmNO4eMsJPR\n"
    "WGzwRW4TNbXBa6NZqmv5ywU1346MWhvAiNcdJfbXvFqSINFTXP5X5HzmUT1TbiDL\n"
    "YxVTdW8c+2ZlXuiV+afPXEp2Q+1dav1vwt6uK/z0tR/gwjQ1LE+BiNy1pr6mSeLi\n"
    "CfojxX3DkqFlOrEZiw2eL/NfK/tQzhGR25fQ9vPHPxhcEZadFPkO1tBvcGgijZMG\n"
    "Cwb0REqE9k9sJoDzxO0/D4qtb4zgpr/DMfsWBNjHc72d4bc09x6y7XHd66XR85vK\n"
    "lVztEjB6GLu7zf54x19XsFUTeJeeOPSnVEKYSUSEUNpyNaTXhqCyCQTs+GK0P71L\n"
    "tvJ12+ftQsfzSBjaBEIlFN/UGmBDLE4vwsX37tvBF0estaVM/j9cUqu1LmU9XQO+\n"
    "NAVPmr0sgvl+8aynouljbNVYjcNc1krHjyMDv3fwo3ki0LIJRBvIRBOPlJ6tP4z+\n"
    "Y2q43YEbkyVKFQxtADCqBvQdoXbD+gT7TN03kyaPrngaXv50nnGmaliMFw8ZICsx\n"
    "4+DQjVYZJQOulPna+bif/Nfvb9+GahdZyaxqZPKRx2+HJRWmKT3R+54t9zSTEN7M\n"
    "l1nxcQTjOgCK9waRtBUxTQpE+fkWWURi4UNnMWunxcE291PZ6pocG7QtVHPc/Bbd\n"
    "-----END RSA PRIVATE KEY-----\n";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("known answers") {
  SUBCASE("Ed25519 (RFC 8463 appendix A)") {
    const auto key = private_key_from_pem(vectors::kEd25519Pem, "k");
    REQUIRE(key);
    CHECK((*key)->type() == KeyType::ed25519);
    CHECK((*key)->bits() == 256);
    CHECK((*key)->dns_public_key() == vectors::kEd25519Public);
    const auto signature = (*key)->sign_sha256(vectors::hex_digest(vectors::kEd25519Digest));
    REQUIRE(signature);
    CHECK(*signature == base64(vectors::kEd25519Signature));
  }
  SUBCASE("RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2)") {
    const auto key = private_key_from_pem(vectors::kRsaPem, "k");
    REQUIRE(key);
    CHECK((*key)->type() == KeyType::rsa);
    CHECK((*key)->bits() == 1024);
    CHECK((*key)->dns_public_key() == vectors::kRsaPemPublic);
    const auto signature = (*key)->sign_sha256(authmilter::sha256("abc"));
    REQUIRE(signature);
    CHECK(*signature == base64(vectors::kRsaPemSignature));
  }
}

TEST_CASE("a generated key signs what its published half verifies") {
  const struct {
    KeyType type;
    unsigned bits;
    unsigned has;  // 0: refused
  } rows[] = {
      {KeyType::rsa, 1024, 1024}, {KeyType::rsa, 2048, 2048}, {KeyType::rsa, 1023, 0},
      {KeyType::rsa, 0, 0},       {KeyType::rsa, 8193, 0},    {KeyType::ed25519, 0, 256},
  };
  for (const auto& row : rows) {
    CAPTURE(to_string(row.type));
    CAPTURE(row.bits);
    const auto made = generate_private_key(row.type, row.bits);
    CHECK((made ? made->key->bits() : 0U) == row.has);
    if (!made) continue;
    const auto key = private_key_from_pem(made->pem, "k");
    REQUIRE(key);
    CHECK(made->pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));  // PKCS#8
    CHECK((*key)->dns_public_key() == made->key->dns_public_key());
    const auto published = PublicKey::from_dns(row.type, base64((*key)->dns_public_key()));
    REQUIRE(published);
    CHECK((*published)->bits() == row.has);
    const auto digest = authmilter::sha256("message");
    const auto signature = (*key)->sign_sha256(digest);
    REQUIRE(signature);
    CHECK((*published)->verify_sha256(digest, *signature));
    CHECK_FALSE((*published)->verify_sha256(authmilter::sha256("another"), *signature));
  }
}

TEST_CASE("texts that are no signing key") {
  const struct {
    std::string why;
    std::string pem;
    const char* message;
  } rows[] = {
      {"empty", "", "k.pem: not a private key in PEM form"},
      {"rubbish", "hello\n", "k.pem: not a private key in PEM form"},
      {"a public key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
       "k.pem: not a private key in PEM form"},
      {"PKCS#8 with a passphrase (RFC 5958)", kEncryptedPkcs8Pem,
       "k.pem: the key is encrypted with a passphrase"},
      {"PKCS#1 with a passphrase (RFC 1421 section 4.6.1.1)", kEncryptedRsaPem,
       "k.pem: the key is encrypted with a passphrase"},
      {"cut short", std::string(vectors::kRsaPem).substr(0, 200),
       "k.pem: not a usable private key in PEM form"},
      {"broken base64", replaced(vectors::kRsaPem, "MIIC", "M!IC"),
       "k.pem: not a usable private key in PEM form"},
      {"RSA of 512 bits", kRsa512Pem, "k.pem: an RSA key of 512 bits, not of 1024 to 8192"},
      {"an elliptic curve", kEcPem, "k.pem: neither an RSA nor an Ed25519 key"},
      {"another key's modulus", replaced(vectors::kRsaPem, "82fYiiseOk1", "82fYiiseOk2"),
       "k.pem: the RSA key's numbers do not fit together"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto key = private_key_from_pem(row.pem, "k.pem");
    REQUIRE_FALSE(key);
    CHECK(key.error().message == row.message);
  }
}
