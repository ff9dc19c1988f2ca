#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/dns_name.h>
#include <authmilter/name_server.h>
#include <authmilter/resolver.h>
#include <authmilter/result.h>

namespace authmilter {

/// An NS record and the addresses of the host that it names.
struct AuthoritativeServer {
  std::string name;
  std::vector<NameServer> addresses;
};

/// The zone that a name is in, and who serves it.
struct ZoneServers {
  DnsName apex;
  std::vector<AuthoritativeServer> servers;  // one at least
};

/// Finds them by `resolver`. The error is for people, and temporary.
Result<ZoneServers> find_zone_servers(const DnsName& name, Resolver& resolver, std::uint16_t port);

}  // namespace authmilter
