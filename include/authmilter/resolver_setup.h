#pragma once

#include <memory>

#include <authmilter/config.h>
#include <authmilter/dns.h>
#include <authmilter/result.h>

namespace authmilter {

/// The resolver that a `[dns]` table describes. Thread-safe as its parts are.
struct ResolverSet {
  std::unique_ptr<Resolver> upstream;  // null when the zones are all there is
  std::unique_ptr<Resolver> zones;     // null without `zones`; asks `upstream`, so it goes first

  Resolver& resolver() const { return zones ? *zones : *upstream; }
};

/// Reads the zone files and makes the resolvers. Zones answer first; what lies outside of them is
/// asked of the nameservers. Without nameservers, and when no zone file has an SOA record that
/// would say what it is authoritative for, the zones are all there is and every other name does
/// not exist.
Result<ResolverSet> make_resolver(const DnsConfig& config);

/// Reads a master file for make_zone_resolver().
Result<ZoneFile> read_zone_file(const std::filesystem::path& path);

}  // namespace authmilter
