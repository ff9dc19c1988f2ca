#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/resolver.h>

namespace authmilter {

struct MailHost {
  DnsName exchange;
  std::optional<DomainName> name;  // nothing: no name that a host can have
  std::uint16_t preference = 0;
};

/// Who takes mail for a domain (RFC 5321 section 5.1).
struct MailHosts {
  DnsAnswerRef mx;
  std::vector<MailHost> hosts;  // each once, most preferred first
  std::size_t left_out = 0;     // hosts beyond those that are looked at
  bool null_mx = false;         // "MX 0 ." is there (RFC 7505)
  bool implicit = false;        // there is no MX record, and the domain itself has an address
};

MailHosts find_mail_hosts(const DomainName& domain, Resolver& dns);

/// The answers for a host's A and AAAA records.
struct HostAddresses {
  DnsAnswerRef v4, v6;
  /// Of both, each once, as many as are looked at.
  std::vector<IpAddress> all() const;
};
HostAddresses find_addresses(const DomainName& host, Resolver& dns);

}  // namespace authmilter
