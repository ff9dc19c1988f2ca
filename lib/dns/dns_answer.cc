#include <authmilter/dns_answer.h>

namespace authmilter {

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
