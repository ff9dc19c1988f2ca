#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/dns_name.h>
#include <authmilter/resolver.h>

namespace authmilter {

/// What one authoritative server says of the TXT records under a name.
struct ServerTexts {
  std::string server;  // its name
  /// With its authority: that there are these, or none. Otherwise nothing is known.
  bool answered = false;
  std::vector<std::string> texts;
  std::chrono::seconds ttl{0};
  std::string trouble;  // for people, why there is no answer
};

/// What all of them say.
struct ZoneTexts {
  std::vector<ServerTexts> servers;  // each of the zone's NS records
  std::chrono::seconds ttl{0};       // the longest
  std::chrono::seconds soa_ttl{0};
  std::chrono::seconds soa_minimum{0};
  std::string trouble;  // for people, why the servers are not known; empty when they are
};

struct ZoneWatchOptions {
  std::chrono::milliseconds timeout{5000};
  /// Between two questions to one server. Response rate limiting counts in hundreds a second for
  /// NSD, in tens for Knot and BIND where people have set it.
  std::chrono::milliseconds pause{100};
  /// The same once the server has shown that it limits: by answers cut short, or by none.
  std::chrono::milliseconds long_pause{1000};
  std::uint16_t port = 53;
};

/// Asks each authoritative server of a zone by itself, as no cache lies between: whether a change
/// has come to all of them. A name that is a CNAME is followed into its target's zone, and both
/// zones' servers have to agree. For one thread; asks several servers at a time.
class ZoneWatch {
 public:
  /// `resolver` finds the zones and their servers; borrowed.
  ZoneWatch(Resolver& resolver, const ZoneWatchOptions& options);
  ~ZoneWatch();

  /// Takes some seconds for each server that is slow or silent.
  ZoneTexts texts(const DnsName& name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
