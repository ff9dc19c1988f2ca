#include "dns/unbound/share_key.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace authmilter {
namespace {

/// The first `bits` of an address. Both families have prefixes of whole octets only.
std::string prefix(const IpAddress& address, std::size_t bits) {
  const auto octets = address.octets();
  std::string text(1, address.is_v4() ? '4' : '6');
  for (std::size_t i = 0; i < std::min(bits / 8, octets.size()); ++i)
    text += static_cast<char>(octets[i]);
  return text;
}

/// The last `labels` labels; nothing where there are fewer.
std::string_view suffix(std::string_view name, std::size_t labels) {
  std::size_t at = name.size();
  while (labels > 0) {
    const auto dot = at == 0 ? std::string_view::npos : name.rfind('.', at - 1);
    if (dot == std::string_view::npos) return labels == 1 ? name : std::string_view();
    at = dot;
    --labels;
  }
  return name.substr(at + 1);
}

struct Levels {
  std::size_t domain;
  std::size_t subdomain;
};

Levels levels_of(std::string_view name) {
  if (name.ends_with(".in-addr.arpa")) return {4, 5};
  if (name.ends_with(".ip6.arpa")) return {10, 14};
  return {2, 3};
}

}  // namespace

ShareKeys shares_of(const DnsClient& client) {
  const auto& address = client.address();
  if (!address) return {{DnsShare::client, {}}, {DnsShare::network, {}}};
  return {{DnsShare::client, prefix(*address, address->is_v4() ? 32 : 64)},
          {DnsShare::network, prefix(*address, address->is_v4() ? 24 : 48)}};
}

ShareKeys shares_of(const DnsName& name) {
  ShareKeys keys{{DnsShare::table, {}}};
  const auto [domain, subdomain] = levels_of(name.text());
  if (const auto text = suffix(name.text(), domain); !text.empty())
    keys.push_back({DnsShare::domain, std::string(text)});
  if (const auto text = suffix(name.text(), subdomain); !text.empty())
    keys.push_back({DnsShare::subdomain, std::string(text)});
  return keys;
}

std::string_view to_string(DnsShare share) {
  switch (share) {
    case DnsShare::table:
      return "table";
    case DnsShare::client:
      return "client";
    case DnsShare::network:
      return "network";
    case DnsShare::domain:
      return "domain";
    case DnsShare::subdomain:
      return "subdomain";
  }
  return "unknown";
}

}  // namespace authmilter
