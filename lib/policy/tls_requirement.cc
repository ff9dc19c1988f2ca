#include <authmilter/tls_requirement.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace authmilter {
namespace {

/// Exactly the words of OpenSSL's SSL_get_version(), which Postfix and Sendmail pass on. Not
/// "TLSv1/SSLv3", once Sendmail's word for anything before TLS 1.2: it may be SSL.
std::optional<TlsLevel> parse_version(std::string_view text) {
  for (const TlsLevel version :
       {TlsLevel::tls1_0, TlsLevel::tls1_1, TlsLevel::tls1_2, TlsLevel::tls1_3}) {
    if (text == to_string(version)) return version;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(TlsLevel version) {
  switch (version) {
    case TlsLevel::none:
      return "none";
    case TlsLevel::tls1_0:
      return "TLSv1";
    case TlsLevel::tls1_1:
      return "TLSv1.1";
    case TlsLevel::tls1_2:
      return "TLSv1.2";
    case TlsLevel::tls1_3:
      return "TLSv1.3";
  }
  return "none";
}

TlsRequirements::TlsRequirements(std::vector<TlsRequirement> requirements)
    : requirements_(std::move(requirements)) {
  std::vector<NetworkIndex::Entry> all;
  std::vector<NetworkIndex::Entry> loopback;
  std::unordered_set<std::string> known;  // behind an equal network nothing is ever asked
  for (std::uint32_t number = 0; number < requirements_.size(); ++number) {
    if (requirements_[number].minimum > requirements_[strictest_].minimum) strictest_ = number;
    for (const Network& network : requirements_[number].clients) {
      if (known.insert(without_host_bits(network).text()).second) all.push_back({network, number});
      if (is_loopback(network.address())) loopback.push_back({network, number});
    }
  }
  clients_ = NetworkIndex(all);
  loopback_clients_ = NetworkIndex(loopback);
}

const TlsRequirement* TlsRequirements::find(const std::optional<IpAddress>& client) const {
  if (requirements_.empty()) return nullptr;
  if (!client) return &requirements_[strictest_];
  // The host itself is not part of a network that is wider than loopback: who requires TLS of
  // 0.0.0.0/0 means what comes over a wire, not the content filter next door.
  const auto numbers = (is_loopback(*client) ? loopback_clients_ : clients_).find(*client);
  const auto first = std::min_element(numbers.begin(), numbers.end());
  return first == numbers.end() ? nullptr : &requirements_[*first];
}

std::optional<TlsRefusal> tls_refusal(const TlsRequirements& requirements,
                                      const std::optional<IpAddress>& client,
                                      std::string_view version) {
  const TlsRequirement* rule = requirements.find(client);
  if (rule == nullptr || rule->minimum == TlsLevel::none) return std::nullopt;
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
