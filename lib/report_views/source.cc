#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include <authmilter/ip_address.h>
#include <authmilter/report_source.h>
#include <authmilter/report_store.h>

namespace authmilter {
namespace {

constexpr unsigned kV4Prefix = 24;  // what is announced and handed out at least
constexpr unsigned kV6Prefix = 48;  // a site (RFC 6177)

/// Second-level labels below which registries of countries register: "co.uk", "com.au", "gouv.fr".
constexpr std::array<std::string_view, 16> kRegistryLabels = {
    "ac",  "co",  "com", "edu", "go",  "gob", "gouv", "gov",
    "ltd", "mil", "ne",  "net", "nom", "or",  "org",  "sch"};

const std::string* passing_domain(const std::vector<ViewRow::Auth>& results) {
  for (const auto& result : results) {
    if (result.result == "pass" && !result.domain.empty()) return &result.domain;
  }
  return nullptr;
}

/// Of the signatures that pass, that which aligns.
const std::string* aligned_signer(const ViewRow& row) {
  if (!row.dkim_aligned) return nullptr;
  const std::string& author = row.header_from.empty() ? row.domain : row.header_from;
  for (const auto& signature : row.dkim) {
    if (signature.result == "pass" && signature.domain == author) return &signature.domain;
  }
  for (const auto& signature : row.dkim) {
    if (signature.result == "pass" && of_one_organization(signature.domain, author))
      return &signature.domain;
  }
  return &author;  // the report says so, and does not say by which
}

}  // namespace

std::string_view to_string(ReportSource::Kind kind) {
  switch (kind) {
    case ReportSource::Kind::dkim:
      return "DKIM";
    case ReportSource::Kind::spf:
      return "SPF";
    case ReportSource::Kind::foreign_dkim:
      return "other DKIM";
    case ReportSource::Kind::ptr:
      return "name";
    case ReportSource::Kind::network:
      return "network";
    case ReportSource::Kind::rest:
      return "others";
  }
  return "";
}

std::string_view registrable_part(std::string_view name) {
  const auto last = name.rfind('.');
  if (last == std::string_view::npos || last == 0) return name;
  const auto second = name.rfind('.', last - 1);
  if (second == std::string_view::npos) return name;
  const bool country = name.size() - last - 1 == 2;
  const auto label = name.substr(second + 1, last - second - 1);
  const bool registry =
      std::find(kRegistryLabels.begin(), kRegistryLabels.end(), label) != kRegistryLabels.end();
  if (!country || !registry || second == 0) return name.substr(second + 1);
  const auto third = name.rfind('.', second - 1);
  return third == std::string_view::npos ? name : name.substr(third + 1);
}

bool of_one_organization(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return false;
  const auto above = [](std::string_view upper, std::string_view lower) {
    return lower.size() > upper.size() + 1 && lower.ends_with(upper) &&
           lower[lower.size() - upper.size() - 1] == '.' &&
           upper.find('.') != std::string_view::npos;
  };
  return a == b || above(a, b) || above(b, a) || registrable_part(a) == registrable_part(b);
}

std::optional<ReportSource> authenticated_source(const ViewRow& row) {
  if (const auto* signer = aligned_signer(row))
    return ReportSource{ReportSource::Kind::dkim, *signer};
  if (const auto* sender = passing_domain(row.spf)) {
    return ReportSource{ReportSource::Kind::spf,
                        row.spf_aligned ? *sender : std::string(registrable_part(*sender))};
  }
  if (row.spf_aligned)  // with SPF's result left out
    return ReportSource{ReportSource::Kind::spf, row.domain};
  if (const auto* signer = passing_domain(row.dkim)) {
    return ReportSource{ReportSource::Kind::foreign_dkim, std::string(registrable_part(*signer))};
  }
  return std::nullopt;
}

std::string network_of(std::string_view address) {
  const auto parsed = IpAddress::parse(address);
  if (!parsed) return {};
  if (parsed->is_v4()) {
    std::array<std::uint8_t, 4> octets{};
    std::copy_n(parsed->octets().begin(), kV4Prefix / 8, octets.begin());
    return Network(IpAddress::v4(octets), kV4Prefix).text();
  }
  std::array<std::uint8_t, 16> octets{};
  std::copy_n(parsed->octets().begin(), kV6Prefix / 8, octets.begin());
  return Network(IpAddress::v6(octets), kV6Prefix).text();
}

ReportSource address_source(std::string_view address, const AddressNames& names) {
  if (const auto named = names.find(address); named != names.end() && !named->second.empty())
    return {ReportSource::Kind::ptr, std::string(registrable_part(named->second))};
  std::string network = network_of(address);
  if (network.empty()) return {};
  return {ReportSource::Kind::network, std::move(network)};
}

}  // namespace authmilter
