#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <string>
#include <vector>

#include <openssl/pem.h>
#include <openssl/sha.h>

#include <authmilter/dns_record.h>

#include "crypto/certificates.h"

namespace authmilter::made {

/// Certificates that a test makes for itself. Times are seconds since 1970.
constexpr std::int64_t kNow = 1'795'910'400;  // 2026-11-29
constexpr std::int64_t kDay = 86'400;

inline Key ec_key() { return Key(EVP_EC_gen("P-256")); }
inline Key rsa_key(unsigned bits) { return Key(EVP_RSA_gen(bits)); }

struct CertificateWish {
  std::string common_name = "mx.example.org";
  std::vector<std::string> dns_names = {"mx.example.org"};
  std::int64_t not_before = kNow - 30 * kDay;
  std::int64_t not_after = kNow + 90 * kDay;
  bool authority = false;
  const EVP_MD* digest = EVP_sha256();
};

inline void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("cannot make the extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Signed by `issuer_key`; without an issuer by its own key.
inline Certificate certificate(const CertificateWish& wish, EVP_PKEY* key,
                               const X509* issuer = nullptr, EVP_PKEY* issuer_key = nullptr) {
  static long serial = 1;
  Certificate made(X509_new());
  X509* x = made.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(issuer != nullptr ? issuer : x));
  ASN1_TIME_set(X509_getm_notBefore(x), static_cast<std::time_t>(wish.not_before));
  ASN1_TIME_set(X509_getm_notAfter(x), static_cast<std::time_t>(wish.not_after));
  X509_set_pubkey(x, key);
  if (wish.authority) add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
  std::string names;
  for (const std::string& name : wish.dns_names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty() && !wish.authority) add_extension(x, NID_subject_alt_name, names);
  EVP_PKEY* signer = issuer_key != nullptr ? issuer_key : key;
  if (X509_sign(x, signer, EVP_PKEY_is_a(signer, "ED25519") == 1 ? nullptr : wish.digest) == 0)
    throw std::runtime_error("cannot sign the certificate of " + wish.common_name);
  return made;
}

/// A root, an authority below it, and a server's certificate of that.
struct Chain {
  Key root_key = ec_key(), issuer_key = ec_key(), server_key = ec_key();
  Certificate root, issuer, server;

  explicit Chain(const CertificateWish& wish = {}) {
    root =
        certificate({"Test Root", {}, kNow - 999 * kDay, kNow + 999 * kDay, true}, root_key.get());
    issuer = certificate({"Test Issuer", {}, kNow - 500 * kDay, kNow + 500 * kDay, true},
                         issuer_key.get(), root.get(), root_key.get());
    server = certificate(wish, server_key.get(), issuer.get(), issuer_key.get());
  }
  /// As servers should send it.
  std::vector<std::string> served() const { return {der_of(server.get()), der_of(issuer.get())}; }
  std::vector<std::string> with_root() const {
    return {der_of(server.get()), der_of(issuer.get()), der_of(root.get())};
  }
};

/// The TLSA record of a certificate.
inline TlsaRecord tlsa(unsigned usage, unsigned selector, unsigned type, const X509* x) {
  const std::string selected = selector == 0 ? der_of(x) : key_der_of(x);
  const auto* data = reinterpret_cast<const unsigned char*>(selected.data());
  TlsaRecord record{static_cast<std::uint8_t>(usage),
                    static_cast<std::uint8_t>(selector),
                    static_cast<std::uint8_t>(type),
                    {}};
  if (type == 0) record.data.assign(selected.begin(), selected.end());
  if (type == 1) {
    record.data.resize(SHA256_DIGEST_LENGTH);
    SHA256(data, selected.size(), record.data.data());
  }
  if (type == 2) {
    record.data.resize(SHA512_DIGEST_LENGTH);
    SHA512(data, selected.size(), record.data.data());
  }
  return record;
}

inline std::string pem_of(const X509* x) {
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), x);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace authmilter::made
