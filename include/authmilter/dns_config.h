#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <authmilter/name_server.h>
#include <authmilter/unbound_resolver.h>

namespace authmilter {

/// The `[dns]` table of the configuration; see authmilter.toml(5).
struct DnsConfig {
  std::vector<NameServer> nameservers;  // empty: the system's
  std::vector<std::filesystem::path> zones;
  std::string zones_where;  // "file:line:column" of the list, when a file has it
  DnssecMode dnssec = DnssecMode::automatic;
  std::filesystem::path trust_anchor;  // empty: Debian's dns-root-data
  std::chrono::milliseconds timeout{5000};
  std::chrono::milliseconds message_timeout{20000};
  unsigned message_queries = 60;     // different questions one message may cause
  unsigned cache_octets = 32 << 20;  // of memory, for all that is kept of answers
};

}  // namespace authmilter
