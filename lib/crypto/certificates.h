#pragma once

#include <string>
#include <string_view>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/c_handle.h"
#include "crypto/openssl.h"

namespace authmilter {

using Certificate = CHandle<X509, X509_free>;
using CertificateStore = CHandle<X509_STORE, X509_STORE_free>;
using VerifyContext = CHandle<X509_STORE_CTX, X509_STORE_CTX_free>;

struct FreeCertificates {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using Certificates = std::unique_ptr<STACK_OF(X509), FreeCertificates>;

struct FreeGeneralNames {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};
using GeneralNames = std::unique_ptr<GENERAL_NAMES, FreeGeneralNames>;

/// One certificate, DER to its last octet; null for anything else.
Certificate parse_certificate(std::string_view der);
/// Its DER; empty when OpenSSL finds no memory.
std::string der_of(const X509* certificate);
/// Of the certificate's SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
std::string key_der_of(const X509* certificate);

}  // namespace authmilter
