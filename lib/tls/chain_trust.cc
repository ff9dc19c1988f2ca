#include "tls/chain_trust.h"

#include <utility>

#include "base/ascii.h"
#include "crypto/certificates.h"

namespace authmilter {
namespace {

/// Passes over the dates of the first certificate.
int on_verified(int good, X509_STORE_CTX* context) noexcept {
  const int error = X509_STORE_CTX_get_error(context);
  const bool is_date =
      error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
  if (good == 0 && is_date && X509_STORE_CTX_get_error_depth(context) == 0) {
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  return good;
}

CertificateStore authorities(const std::string& ca_file) {
  CertificateStore store(X509_STORE_new());
  if (!store) return nullptr;
  const int loaded = ca_file.empty() ? X509_STORE_set_default_paths(store.get())
                                     : X509_STORE_load_file(store.get(), ca_file.c_str());
  return loaded == 1 ? std::move(store) : nullptr;
}

}  // namespace

ChainVerdict verify_chain(std::span<const std::string> chain, const std::string& ca_file) {
  const ErrorScope errors;
  if (chain.empty()) return {ChainTrust::not_checked, "no certificate was served"};
  const Certificate own = parse_certificate(chain.front());
  if (!own) return {ChainTrust::untrusted, "what was served is not a certificate"};
  const CertificateStore store = authorities(ca_file);
  if (!store)
    return {ChainTrust::not_checked, ca_file.empty()
                                         ? "the system's authorities cannot be read"
                                         : "cannot read the authorities of " + printable(ca_file)};
  const Certificates others(sk_X509_new_null());
  for (const std::string& der : chain.subspan(1)) {
    Certificate other = parse_certificate(der);
    if (other && sk_X509_push(others.get(), other.get()) > 0) (void)other.release();
  }
  const VerifyContext context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store.get(), own.get(), others.get()) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_server") != 1)
    return {ChainTrust::not_checked, "OpenSSL cannot verify"};
  X509_STORE_CTX_set_verify_cb(context.get(), on_verified);
  // Strength is judged by the profile, not by the library.
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context.get()), 0);
  if (X509_verify_cert(context.get()) == 1) return {ChainTrust::trusted, {}};
  return {ChainTrust::untrusted,
          X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()))};
}

}  // namespace authmilter
