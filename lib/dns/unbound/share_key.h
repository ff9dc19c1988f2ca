#pragma once

#include <compare>
#include <string>
#include <vector>

#include <authmilter/dns_observer.h>

namespace authmilter {

/// Whose share a look-up counts for: one client, one network, one parent of names.
struct ShareKey {
  DnsShare share;
  std::string who;  // octets of an address prefix, or a name; empty for the table
  auto operator<=>(const ShareKey&) const = default;
};
using ShareKeys = std::vector<ShareKey>;

/// The client and its network.
ShareKeys shares_of(const DnsClient& client);

/// The table, and the parents of a name: its last two labels and its last three, as far as it has
/// them. Nobody can know where a zone begins without asking; but below `co.uk` as below
/// `attack.example` one of the two is the size of what one registration buys. A reverse name has
/// the zones of networks in the place of these: /16 and /24, or /32 and /48.
ShareKeys shares_of(const DnsName& name);

}  // namespace authmilter
