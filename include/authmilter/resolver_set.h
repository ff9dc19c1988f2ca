#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <authmilter/dns_config.h>
#include <authmilter/dns_health.h>
#include <authmilter/dns_observer.h>
#include <authmilter/result.h>
#include <authmilter/zone_resolver.h>

namespace authmilter {

/// The resolver that a `[dns]` table describes. Thread-safe as its parts are.
struct ResolverSet {
  std::shared_ptr<Resolver> upstream;  // null when the zones are all there is
  std::shared_ptr<Resolver> zones;     // null without `zones`; asks `upstream`, so it goes first

  Resolver& resolver() const { return zones ? *zones : *upstream; }
  /// Whether the upstream is asked for signatures (see validation_status()).
  ValidationStatus validation() const {
    return upstream ? validation_status(*upstream) : ValidationStatus::off;
  }
  /// What there is to say about the upstream (see dnssec_notice()).
  std::string notice() const { return upstream ? dnssec_notice(*upstream) : std::string(); }
};

/// Reads the zone files and makes the resolvers. Zones answer first; what lies outside of them is
/// asked of the nameservers. Without nameservers, and when no zone file has an SOA record that
/// would say what it is authoritative for, the zones are all there is and every other name does
/// not exist. `running` (may be null) serves as the upstream instead of a new one, so that a reload
/// keeps its cache; it is renewed (see renew_upstream()). A new upstream tells `observer` (may be
/// null) of its questions.
Result<ResolverSet> make_resolver(const DnsConfig& config,
                                  std::shared_ptr<Resolver> running = nullptr,
                                  DnsObserver* observer = nullptr);

/// Reads a master file for make_zone_resolver().
Result<ZoneFile> read_zone_file(const std::filesystem::path& path);

}  // namespace authmilter
