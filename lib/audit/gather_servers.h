#pragma once

#include <authmilter/audit_gather.h>
#include <authmilter/resolver.h>

namespace authmilter {

struct AskedServers {
  std::vector<ServerFacts> servers;
  std::optional<FetchFacts> mta_sts_policy;
  std::vector<FetchFacts> webmail;
};

/// What the mail hosts of the domain, and servers of people's devices and of webmail offer. `dns`
/// has answered what leads to them.
AskedServers ask_servers(const DomainName& domain, const GatherOptions& options, Resolver& dns,
                         const AuditProbes& probes);

}  // namespace authmilter
