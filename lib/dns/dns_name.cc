#include <authmilter/dns.h>

#include <algorithm>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::size_t kNameOctets = 253;  // RFC 1035 section 2.3.4, in text form
constexpr std::size_t kLabelOctets = 63;

}  // namespace

std::optional<DnsName> DnsName::parse(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty()) return DnsName(std::string());
  if (text.size() > kNameOctets) return std::nullopt;
  const auto labels = split(text, '.');
  const bool well_formed = std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
    return !label.empty() && label.size() <= kLabelOctets;
  });
  if (!well_formed) return std::nullopt;
  return DnsName(to_lower(text));
}

std::string_view to_string(RrType type) {
  switch (type) {
    case RrType::a:
      return "A";
    case RrType::ptr:
      return "PTR";
    case RrType::mx:
      return "MX";
    case RrType::txt:
      return "TXT";
    case RrType::aaaa:
      return "AAAA";
  }
  return "unknown";
}

std::string_view to_string(DnsStatus status) {
  switch (status) {
    case DnsStatus::success:
      return "success";
    case DnsStatus::no_data:
      return "no_data";
    case DnsStatus::nxdomain:
      return "nxdomain";
    case DnsStatus::temperror:
      return "temperror";
  }
  return "unknown";
}

std::string_view to_string(DnsFault fault) {
  switch (fault) {
    case DnsFault::none:
      return "none";
    case DnsFault::timeout:
      return "timeout";
    case DnsFault::servfail:
      return "servfail";
    case DnsFault::bogus:
      return "bogus";
    case DnsFault::malformed:
      return "malformed";
    case DnsFault::limit:
      return "limit";
    case DnsFault::overload:
      return "overload";
  }
  return "unknown";
}

std::string_view temperror_reason(DnsFault fault) {
  switch (fault) {
    case DnsFault::timeout:
      return "dns-timeout";
    case DnsFault::none:
    case DnsFault::servfail:
      return "dns-servfail";
    case DnsFault::bogus:
      return "dnssec-bogus";
    case DnsFault::malformed:
      return "dns-malformed";
    case DnsFault::limit:
      return "dns-limit";
    case DnsFault::overload:
      return "dns-overload";
  }
  return "dns-servfail";
}

std::string_view to_string(DnsShare share) {
  switch (share) {
    case DnsShare::table:
      return "table";
    case DnsShare::client:
      return "client";
    case DnsShare::network:
      return "network";
    case DnsShare::domain:
      return "domain";
    case DnsShare::subdomain:
      return "subdomain";
  }
  return "unknown";
}

}  // namespace authmilter
