#include "audit/zone_apex.h"

namespace authmilter {
namespace {

// A name of 253 octets has up to 127 labels; no zone is cut so deep.
constexpr int kLevels = 10;

}  // namespace

ZoneApex find_zone(const DomainName& name, Resolver& dns) {
  ZoneApex zone;
  std::optional<DomainName> here = name;
  for (int level = 0; here && level < kLevels; ++level) {
    zone.soa = dns.resolve({*here, RrType::soa});
    if (zone.soa->status == DnsStatus::success) zone.name = here;
    if (zone.name || zone.soa->status == DnsStatus::temperror) return zone;
    here = here->parent();
  }
  return zone;
}

}  // namespace authmilter
