#pragma once

#include <functional>
#include <string>
#include <vector>

#include <authmilter/audit_facts.h>

namespace authmilter {

/// Who asks servers; tests have others.
struct AuditProbes {
  std::function<ServerFacts(ServerProtocol, const std::string& host, const IpAddress&,
                            std::uint16_t port)>
      server;
  std::function<FetchFacts(const std::string& url)> fetch;
};

/// Selectors that many domains have, for surveys.
std::vector<SelectorFact> usual_selectors();

struct GatherOptions {
  std::vector<SelectorFact> selectors;    // none: the usual ones
  bool servers = true;                    // false: the DNS alone, for surveys
  std::vector<std::string> client_hosts;  // asked on the ports of people's devices
  std::vector<std::string> webmail;       // https:// URLs
  std::vector<Detour> detours;            // --connect
};

/// Asks the DNS and the servers all that any rule needs; judges nothing. Blocks; thread-safe if
/// `resolver` and `probes` are.
DomainFacts gather_domain(const DomainName& domain, const GatherOptions& options,
                          Resolver& resolver, const AuditProbes& probes);

}  // namespace authmilter
