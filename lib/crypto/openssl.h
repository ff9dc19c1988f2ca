#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/c_handle.h"

namespace authmilter {

using Bio = CHandle<BIO, BIO_free_all>;
using BigNumber = CHandle<BIGNUM, BN_free>;
using Key = CHandle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = CHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Parameters = CHandle<OSSL_PARAM, OSSL_PARAM_free>;
using ParametersBuilder = CHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;

// RFC 8301 section 3.2 wants 1024 to 4096 bits from verifiers and leaves more to them. Beyond 8192
// a verification costs milliseconds of our time that a stranger chooses.
constexpr unsigned kMinimumSigningBits = 1024;
constexpr unsigned kMaximumRsaBits = 8192;
constexpr std::size_t kEd25519KeySize = 32;        // RFC 8032 section 5.1.5
constexpr std::size_t kEd25519SignatureSize = 64;  // RFC 8032 section 5.1.6
constexpr unsigned kEd25519Bits = 256;

/// SHA-256, looked up once: by EVP_sha256() every use would look it up by its name. Null when
/// OpenSSL has none.
const EVP_MD* fetched_sha256();

/// Drops what OpenSSL noted about failures while this object lived: the queue belongs to the
/// thread, and other libraries in the process read it too.
class ErrorScope {
 public:
  ErrorScope() { ERR_set_mark(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
  ~ErrorScope() { ERR_pop_to_mark(); }
};

}  // namespace authmilter
