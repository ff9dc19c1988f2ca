#include "dns/unbound/share_key.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

namespace {

std::string told(const ShareKeys& keys) {
  std::string text;
  for (const auto& key : keys) {
    if (!text.empty()) text += ", ";
    text += std::string(to_string(key.share));
    if (!key.who.empty()) text += " " + key.who;
  }
  return text;
}

DnsClient client(const char* address) { return DnsClient(IpAddress::parse(address)); }

}  // namespace

TEST_CASE("a name has a part of the table, of its last two labels and of its last three") {
  const struct {
    const char* name;
    const char* keys;
  } rows[] = {
      {"", "table"},
      {"com", "table"},
      {"example.com", "table, domain example.com"},
      {"a.example.com", "table, domain example.com, subdomain a.example.com"},
      {"s._domainkey.a.example.com", "table, domain example.com, subdomain a.example.com"},
      {"mail.ministry.gov.uk", "table, domain gov.uk, subdomain ministry.gov.uk"},
      {"7.2.0.192.in-addr.arpa",
       "table, domain 0.192.in-addr.arpa, subdomain 2.0.192.in-addr.arpa"},
      {"192.in-addr.arpa", "table"},
      {"a.b.c.d.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
       "table, domain 8.b.d.0.1.0.0.2.ip6.arpa, subdomain 1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(told(shares_of(DnsName::parse(row.name).value())) == row.keys);
  }
}

TEST_CASE("clients share by address and network (IPv4 /24, IPv6 /64 and /48)") {
  const struct {
    std::string why;
    DnsClient one;
    DnsClient other;
    bool same_client;
    bool same_network;
  } rows[] = {
      {"the same", client("192.0.2.1"), client("192.0.2.1"), true, true},
      {"the same /24", client("192.0.2.1"), client("192.0.2.2"), false, true},
      {"another /24", client("192.0.2.1"), client("192.0.3.1"), false, false},
      {"the same /64", client("2001:db8:1:1::1"), client("2001:db8:1:1:ffff::2"), true, true},
      {"the same /48", client("2001:db8:1:1::1"), client("2001:db8:1:2::1"), false, true},
      {"another /48", client("2001:db8:1:1::1"), client("2001:db8:2:1::1"), false, false},
      {"not known, both", DnsClient(), DnsClient(), true, true},
      {"not known, one", DnsClient(), client("192.0.2.1"), false, false},
      {"two families", client("::"), client("0.0.0.0"), false, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto one = shares_of(row.one);
    const auto other = shares_of(row.other);
    REQUIRE(one.size() == 2);
    REQUIRE(other.size() == 2);
    CHECK((one[0] == other[0]) == row.same_client);
    CHECK((one[1] == other[1]) == row.same_network);
  }
}
