#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/dns_observer.h>
#include <authmilter/name_server.h>
#include <authmilter/resolver.h>
#include <authmilter/result.h>

namespace authmilter {

enum class DnssecMode : std::uint8_t { automatic, on, off };

struct UnboundOptions {
  std::vector<NameServer> nameservers;  // empty: the system's
  DnssecMode dnssec = DnssecMode::automatic;
  std::chrono::milliseconds timeout{5000};  // of one query
  std::size_t cache_octets = 32 << 20;      // of memory, for all that is kept of answers
  std::string trust_anchor_file = "";       // empty: Debian's dns-root-data where it is installed
  std::string resolv_conf = "/etc/resolv.conf";  // names the system's servers
  DnsObserver* observer = nullptr;               // may be null, must outlive the resolver
};
/// Validating stub on libunbound with one resolver thread and a bounded cache of answers;
/// thread-safe. The system's name servers are read again when their file changes. See
/// dns_health.h.
Result<std::unique_ptr<Resolver>> make_unbound_resolver(const UnboundOptions& options);

}  // namespace authmilter
