#pragma once

#include <optional>

#include <authmilter/domain_name.h>
#include <authmilter/resolver.h>

namespace authmilter {

/// The zone that a name is in.
struct ZoneApex {
  std::optional<DomainName> name;  // nothing: not found
  DnsAnswerRef soa;                // its SOA record, or the answer with which the search ended
};

/// Looks for the nearest SOA record from `name` upwards.
ZoneApex find_zone(const DomainName& name, Resolver& dns);

}  // namespace authmilter
