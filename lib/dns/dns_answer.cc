#include <authmilter/dns_answer.h>

#include <algorithm>

namespace authmilter {

std::vector<std::string> DnsAnswer::texts() const {
  std::vector<std::string> found;
  for (TxtRecord& txt : all<TxtRecord>()) found.push_back(std::move(txt.text));
  return found;
}

std::vector<IpAddress> DnsAnswer::addresses() const {
  std::vector<IpAddress> found;
  for (const DnsRecord& record : records) {
    if (const auto* v4 = std::get_if<ARecord>(&record)) found.push_back(v4->address);
    if (const auto* v6 = std::get_if<AaaaRecord>(&record)) found.push_back(v6->address);
  }
  return found;
}

std::size_t DnsAnswer::octets_for_forms() const {
  // An RSA key of 2048 bits takes four times its record, an SPF record of addresses five times, and
  // none that is of use more than the last number. A record of a hundred terms of two letters is
  // parsed again for each message.
  constexpr std::size_t kLeast = 1280;
  constexpr std::size_t kForEachOctet = 6;
  constexpr std::size_t kMost = 8192;
  std::size_t octets = 0;
  for (const DnsRecord& record : records) {
    if (const auto* txt = std::get_if<TxtRecord>(&record)) octets += txt->text.size();
  }
  return octets == 0 ? 0 : std::min(kLeast + kForEachOctet * octets, kMost);
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

}  // namespace authmilter
