#include "audit/mail_hosts.h"

#include <algorithm>

namespace authmilter {
namespace {

// RFC 5321 section 5.1 names no limit. Senders try a handful; more would only be work for us.
constexpr std::size_t kMostHosts = 16;
constexpr std::size_t kMostAddresses = 8;  // of a host

}  // namespace

MailHosts find_mail_hosts(const DomainName& domain, Resolver& dns) {
  MailHosts found;
  found.mx = dns.resolve({domain, RrType::mx});
  for (const MxRecord& mx : found.mx->all<MxRecord>()) {
    if (mx.exchange.is_root()) {
      found.null_mx = true;
      continue;
    }
    const auto same = [&](const MailHost& host) { return host.exchange == mx.exchange; };
    if (std::any_of(found.hosts.begin(), found.hosts.end(), same)) continue;
    if (found.hosts.size() == kMostHosts) {
      ++found.left_out;
      continue;
    }
    found.hosts.push_back({mx.exchange, DomainName::parse(mx.exchange.text()), mx.preference});
  }
  // RFC 5321 section 5.1: without any MX record, a host of the domain's own name is its mail host.
  if (found.mx->status == DnsStatus::no_data && !find_addresses(domain, dns).all().empty()) {
    found.implicit = true;
    found.hosts.push_back({domain, domain, 0});
  }
  return found;
}

std::vector<IpAddress> HostAddresses::all() const {
  std::vector<IpAddress> addresses;
  for (const DnsAnswerRef& answer : {v4, v6}) {
    std::size_t of_family = 0;
    for (const IpAddress& address : answer->addresses()) {
      if (of_family++ == kMostAddresses / 2) break;
      if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
        addresses.push_back(address);
    }
  }
  return addresses;
}

HostAddresses find_addresses(const DomainName& host, Resolver& dns) {
  dns.prefetch({host, RrType::aaaa});
  return {dns.resolve({host, RrType::a}), dns.resolve({host, RrType::aaaa})};
}

}  // namespace authmilter
