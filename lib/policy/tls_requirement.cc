#include <authmilter/tls_requirement.h>

#include <algorithm>

#include <fmt/format.h>

namespace authmilter {
namespace {

/// The host itself is not part of a network that is wider than loopback: who requires TLS of
/// 0.0.0.0/0 means what comes over a wire, not the content filter next door.
bool is_for(const TlsRequirement& requirement, const IpAddress& client) {
  const bool local = is_loopback(client);
  return std::any_of(
      requirement.clients.begin(), requirement.clients.end(), [&](const Network& network) {
        return network.contains(client) && (!local || is_loopback(network.address()));
      });
}

/// Exactly the words of OpenSSL's SSL_get_version(), which Postfix and Sendmail pass on. Not
/// "TLSv1/SSLv3", once Sendmail's word for anything before TLS 1.2: it may be SSL.
std::optional<TlsVersion> parse_version(std::string_view text) {
  for (const TlsVersion version :
       {TlsVersion::tls1_0, TlsVersion::tls1_1, TlsVersion::tls1_2, TlsVersion::tls1_3}) {
    if (text == to_string(version)) return version;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(TlsVersion version) {
  switch (version) {
    case TlsVersion::none:
      return "none";
    case TlsVersion::tls1_0:
      return "TLSv1";
    case TlsVersion::tls1_1:
      return "TLSv1.1";
    case TlsVersion::tls1_2:
      return "TLSv1.2";
    case TlsVersion::tls1_3:
      return "TLSv1.3";
  }
  return "none";
}

std::optional<TlsRefusal> tls_refusal(const std::vector<TlsRequirement>& requirements,
                                      const std::optional<IpAddress>& client,
                                      std::string_view version) {
  const auto rule =
      client ? std::find_if(requirements.begin(), requirements.end(),
                            [&](const auto& each) { return is_for(each, *client); })
             : std::max_element(requirements.begin(), requirements.end(),
                                [](const auto& a, const auto& b) { return a.minimum < b.minimum; });
  if (rule == requirements.end() || rule->minimum == TlsVersion::none) return std::nullopt;
  const std::string_view wanted = to_string(rule->minimum);
  if (version.empty()) {
    // RFC 3207 section 4: the reply of a server that requires TLS.
    return TlsRefusal{{530, "5.7.0", "Must issue a STARTTLS command first"},
                      fmt::format("no-tls ({} is required)", wanted)};
  }
  const auto spoken = parse_version(version);
  if (spoken && *spoken >= rule->minimum) return std::nullopt;
  // X.7.10 of the registry of RFC 5248: encryption needed. STARTTLS again would not help: not 530.
  return TlsRefusal{
      {550, "5.7.10", fmt::format("Encryption needed: {} or newer", wanted)},
      fmt::format("{} ({} is required)", spoken ? "tls-too-old" : "tls-version-unknown", wanted)};
}

}  // namespace authmilter
