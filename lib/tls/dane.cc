#include <authmilter/dane.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <authmilter/crypto.h>

#include "crypto/certificates.h"
#include "tls/openssl_ssl.h"

namespace authmilter {
namespace {

// RFC 6698 sections 2.1.1 to 2.1.3, RFC 7218.
constexpr std::uint8_t kDaneTa = 2;
constexpr std::uint8_t kDaneEe = 3;
constexpr std::uint8_t kCert = 0;
constexpr std::uint8_t kSpki = 1;
constexpr std::uint8_t kFull = 0;
constexpr std::uint8_t kSha256 = 1;
constexpr std::uint8_t kSha512 = 2;

using OwnDane = std::pair<SslContext, SslHandle>;

/// A handle that holds one record for OpenSSL; null when it cannot use it.
OwnDane holder_of(const TlsaRecord& record, const std::string& name) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_dane_enable(context.get()) != 1) return {};
  SslHandle ssl(SSL_new(context.get()));
  if (!ssl || SSL_dane_enable(ssl.get(), name.c_str()) != 1) return {};
  if (SSL_dane_tlsa_add(ssl.get(), record.usage, record.selector, record.matching_type,
                        record.data.data(), record.data.size()) != 1)
    return {};
  return {std::move(context), std::move(ssl)};
}

/// RFC 7672 section 3.1.3: usages 0 and 1 are not for SMTP, whatever their data.
bool is_usable(const TlsaRecord& record) {
  const bool has_usage = record.usage == kDaneTa || record.usage == kDaneEe;
  const bool has_selector = record.selector == kCert || record.selector == kSpki;
  const bool has_type = record.matching_type == kFull || record.matching_type == kSha256 ||
                        record.matching_type == kSha512;
  // OpenSSL looks at the data: lengths of digests, whole certificates and keys.
  return has_usage && has_selector && has_type && !record.data.empty() &&
         holder_of(record, "localhost").second != nullptr;
}

/// RFC 7671 section 9, as OpenSSL does it: of the digests for a usage and a selector the strongest
/// counts. A record without a digest always does.
bool has_stronger_beside(const TlsaRecord& record, std::span<const TlsaRecord> usable) {
  return record.matching_type == kSha256 &&
         std::any_of(usable.begin(), usable.end(), [&](const TlsaRecord& other) {
           return other.usage == record.usage && other.selector == record.selector &&
                  other.matching_type == kSha512;
         });
}

bool is_of(const TlsaRecord& record, const X509* certificate) {
  const std::string selected =
      record.selector == kCert ? der_of(certificate) : key_der_of(certificate);
  if (record.matching_type == kFull)
    return std::equal(
        selected.begin(), selected.end(), record.data.begin(), record.data.end(),
        [](char one, std::uint8_t other) { return static_cast<std::uint8_t>(one) == other; });
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const EVP_MD* type = record.matching_type == kSha256 ? EVP_sha256() : EVP_sha512();
  return EVP_Digest(selected.data(), selected.size(), digest.data(), &size, type, nullptr) == 1 &&
         std::equal(digest.begin(), digest.begin() + size, record.data.begin(), record.data.end());
}

/// What OpenSSL says of the chain when this record, of usage 2, is all it knows.
int verify_by(const TlsaRecord& record, X509* own, STACK_OF(X509) * others,
              std::span<const std::string> names, std::int64_t now) {
  const OwnDane holder = holder_of(record, names.empty() ? "localhost" : names.front());
  const CertificateStore nobody(X509_STORE_new());
  const VerifyContext context(X509_STORE_CTX_new());
  if (!holder.second || !nobody || !context ||
      X509_STORE_CTX_init(context.get(), nobody.get(), own, others) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_server") != 1)
    return X509_V_ERR_UNSPECIFIED;
  X509_STORE_CTX_set0_dane(context.get(), SSL_get0_dane(holder.second.get()));
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_auth_level(parameters, 0);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(now));
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  for (const std::string& name : names)
    X509_VERIFY_PARAM_add1_host(parameters, name.c_str(), name.size());
  if (X509_verify_cert(context.get()) == 1) return X509_V_OK;
  const int error = X509_STORE_CTX_get_error(context.get());
  return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
}

/// The chain that was served, parsed once.
class ServedChain {
 public:
  explicit ServedChain(std::span<const std::string> chain) : others_(sk_X509_new_null()) {
    for (const std::string& der : chain) {
      Certificate certificate = parse_certificate(der);
      if (!own_ && &der == &chain.front()) {
        own_ = std::move(certificate);
      } else if (certificate && sk_X509_push(others_.get(), certificate.get()) > 0) {
        (void)certificate.release();
      }
    }
  }

  TlsaState state_of(const TlsaRecord& record, std::span<const std::string> names,
                     std::int64_t now) const {
    if (!own_) return TlsaState::differs;
    // RFC 7672 section 3.1.1: neither name nor dates count.
    if (record.usage == kDaneEe)
      return is_of(record, own_.get()) ? TlsaState::matches : TlsaState::differs;
    switch (verify_by(record, own_.get(), others_.get(), names, now)) {
      case X509_V_OK:
        return TlsaState::matches;
      case X509_V_ERR_HOSTNAME_MISMATCH:
      case X509_V_ERR_CERT_HAS_EXPIRED:
      case X509_V_ERR_CERT_NOT_YET_VALID:
        return TlsaState::name_or_date;
      default:
        break;
    }
    // OpenSSL has one error, 65, for two things. The issuer that is named may be one that was not
    // sent, unless the chain was sent to its end.
    return is_whole() ? TlsaState::differs : TlsaState::issuer_not_sent;
  }

 private:
  bool is_whole() const {
    const int count = sk_X509_num(others_.get());
    X509* last = count > 0 ? sk_X509_value(others_.get(), count - 1) : own_.get();
    return X509_self_signed(last, 0) == 1;
  }

  Certificate own_;
  Certificates others_;
};

}  // namespace

DaneMatch match_tlsa(std::span<const std::string> chain, std::span<const TlsaRecord> records,
                     std::span<const std::string> names, std::int64_t now) {
  if (records.empty()) throw std::logic_error("match_tlsa: no records");
  const ErrorScope errors;
  std::vector<TlsaRecord> usable;
  std::copy_if(records.begin(), records.end(), std::back_inserter(usable), is_usable);
  const ServedChain served(chain);
  DaneMatch match;
  match.state = usable.empty() ? DaneState::unusable_only : DaneState::failed;
  for (const TlsaRecord& record : records) {
    TlsaState state = TlsaState::unusable;
    if (std::find(usable.begin(), usable.end(), record) != usable.end()) {
      state = has_stronger_beside(record, usable) ? TlsaState::weaker_digest
                                                  : served.state_of(record, names, now);
    }
    if (state == TlsaState::matches) match.state = DaneState::verified;
    match.records.push_back(state);
  }
  return match;
}

}  // namespace authmilter
