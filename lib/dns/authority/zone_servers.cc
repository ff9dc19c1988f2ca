#include "dns/authority/zone_servers.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

// More NS records than any zone has that answers in one packet; more addresses than a host needs.
constexpr std::size_t kServers = 20;
constexpr std::size_t kAddresses = 4;

Error no_answer(std::string_view what, const DnsName& name, const DnsAnswer& answer) {
  return Error{fmt::format("the {} of {} cannot be looked up ({})", what, printable(name.text()),
                           to_string(answer.fault))};
}

std::optional<DnsName> parent(const DnsName& name) {
  const auto dot = name.text().find('.');
  if (dot == std::string::npos) return std::nullopt;
  return DnsName::parse(std::string_view(name.text()).substr(dot + 1));
}

/// The apex is the first name upwards that has an SOA record. An alias is none itself: what is
/// found under it is its target's.
Result<DnsName> find_apex(const DnsName& name, Resolver& resolver) {
  const bool alias = resolver.resolve({name, RrType::cname})->status == DnsStatus::success;
  for (auto at = alias ? parent(name) : std::optional(name); at; at = parent(*at)) {
    const auto answer = resolver.resolve({*at, RrType::soa});
    if (answer->status == DnsStatus::temperror) return no_answer("zone", *at, *answer);
    if (answer->status == DnsStatus::success) return *at;
  }
  return Error{fmt::format("{} is in no zone", printable(name.text()))};
}

std::vector<NameServer> addresses_of(const DnsName& host, Resolver& resolver, std::uint16_t port) {
  std::vector<NameServer> found;
  for (const RrType type : {RrType::a, RrType::aaaa}) {
    for (const IpAddress& address : resolver.resolve({host, type})->addresses()) {
      const auto server = NameServer::parse(fmt::format("{}@{}", address.text(), port));
      if (server && found.size() < kAddresses) found.push_back(*server);
    }
  }
  return found;
}

}  // namespace

Result<ZoneServers> find_zone_servers(const DnsName& name, Resolver& resolver, std::uint16_t port) {
  const auto apex = find_apex(name, resolver);
  if (!apex) return apex.error();
  const auto answer = resolver.resolve({*apex, RrType::ns});
  if (answer->status == DnsStatus::temperror) return no_answer("servers", *apex, *answer);
  ZoneServers zone{*apex, {}};
  for (const NsRecord& record : answer->all<NsRecord>()) {
    if (zone.servers.size() == kServers) break;
    zone.servers.push_back(
        {printable(record.target.text()), addresses_of(record.target, resolver, port)});
  }
  if (zone.servers.empty()) return Error{fmt::format("{} has no servers", printable(apex->text()))};
  std::sort(zone.servers.begin(), zone.servers.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return zone;
}

}  // namespace authmilter
