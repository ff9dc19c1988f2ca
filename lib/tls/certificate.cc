#include <authmilter/tls_probe.h>

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include <authmilter/crypto.h>

#include "base/ascii.h"
#include "crypto/certificates.h"

namespace authmilter {
namespace {

constexpr std::size_t kTextOctets = 256;
constexpr std::size_t kDnsNameOctets = 253;  // RFC 1035 section 2.3.4
// Recognised authorities put a hundred names into a certificate, some a few hundred.
constexpr std::size_t kMostNames = 500;

std::string printed(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  std::string text(data, size > 0 ? static_cast<std::size_t>(size) : 0);
  // RFC 2253 has escaped what is not printable ASCII already, and more of it would hurt the eye.
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !is_printable(c); }, '?');
  if (text.size() > kTextOctets) {
    text.resize(kTextOctets);
    text += "...";
  }
  return text;
}

std::vector<std::string> dns_names_of(const X509* certificate) {
  std::vector<std::string> names;
  const GeneralNames all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = all ? sk_GENERAL_NAME_num(all.get()) : 0;
  for (int i = 0; i < count && names.size() < kMostNames; ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type);
    if (type != GEN_DNS) continue;
    const auto* text = static_cast<const ASN1_IA5STRING*>(value);
    const std::string_view name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                static_cast<std::size_t>(ASN1_STRING_length(text)));
    // A NUL in a name once made "good.example\0.evil.example" good.
    if (!name.empty() && name.size() <= kDnsNameOctets &&
        std::all_of(name.begin(), name.end(), is_visible))
      names.emplace_back(to_lower(name));
  }
  return names;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return ::timegm(&parts);
}

void read_key(const X509* certificate, CertificateFacts& facts) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) {
    facts.key_type = "unknown";
    return;
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  facts.key_type = type != nullptr ? type : "unknown";
  facts.key_bits = static_cast<unsigned>(std::max(0, EVP_PKEY_get_bits(key)));
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_is_a(key, "EC") == 1 &&
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1)
    facts.key_type += " " + printable(group.data());
}

std::string signature_algorithm_of(const X509* certificate) {
  const int nid = X509_get_signature_nid(certificate);
  const char* name = OBJ_nid2ln(nid);
  std::string text = nid != NID_undef && name != nullptr ? name : "unknown";
  // RFC 4055: the digest of RSASSA-PSS is one of its parameters.
  int digest = NID_undef;
  if (nid == NID_rsassaPss &&
      X509_get_signature_info(const_cast<X509*>(certificate), &digest, nullptr, nullptr, nullptr) ==
          1 &&
      digest != NID_undef)
    text += std::string(" with ") + OBJ_nid2sn(digest);
  return text;
}

}  // namespace

std::optional<CertificateFacts> read_certificate(std::string_view der) {
  const ErrorScope errors;
  const Certificate parsed = parse_certificate(der);
  if (!parsed) return std::nullopt;
  const X509* certificate = parsed.get();
  CertificateFacts facts;
  facts.subject = printed(X509_get_subject_name(certificate));
  facts.issuer = printed(X509_get_issuer_name(certificate));
  facts.dns_names = dns_names_of(certificate);
  facts.not_before = seconds_of(X509_get0_notBefore(certificate));
  facts.not_after = seconds_of(X509_get0_notAfter(certificate));
  read_key(certificate, facts);
  facts.signature_algorithm = signature_algorithm_of(certificate);
  for (const std::uint8_t octet : sha256(der)) facts.sha256 += fmt::format("{:02x}", octet);
  facts.self_signed = X509_self_signed(parsed.get(), 0) == 1;
  return facts;
}

bool certificate_has_name(const CertificateFacts& certificate, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return false;
  const std::size_t dot = host.find('.');
  return std::any_of(certificate.dns_names.begin(), certificate.dns_names.end(),
                     [&](std::string_view name) {
                       if (equals_ignoring_case(name, host)) return true;
                       // RFC 6125 section 6.4.3: a wildcard is the whole leftmost label and stands
                       // for one. As OpenSSL has it, two labels at least stand behind it.
                       if (!name.starts_with("*.") || dot == std::string_view::npos || dot == 0)
                         return false;
                       const std::string_view behind = name.substr(1);
                       return behind.find('.', 1) != std::string_view::npos &&
                              equals_ignoring_case(behind, host.substr(dot));
                     });
}

}  // namespace authmilter
