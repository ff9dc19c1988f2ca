#include <authmilter/ip_address.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::IpAddress;
using authmilter::Network;

TEST_CASE("addresses have one text form") {
  const struct {
    std::string why;
    const char* text;
    const char* canonical;  // empty: refused
  } rows[] = {
      {"dotted quad", "192.0.2.1", "192.0.2.1"},
      {"leading zero", "192.0.2.01", ""},
      {"three octets", "192.0.2", ""},
      {"RFC 5952", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"mapped is IPv4 (RFC 7208 section 5)", "::ffff:192.0.2.1", "192.0.2.1"},
      {"scope", "fe80::1%eth0", ""},
      {"brackets", "[::1]", ""},
      {"empty", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto address = IpAddress::parse(row.text);
    CHECK((address ? address->text() : std::string()) == row.canonical);
  }
}

TEST_CASE("reverse names (RFC 1035 section 3.5, RFC 3596 section 2.5)") {
  CHECK(IpAddress::parse("192.0.2.10")->reverse_name() == "10.2.0.192.in-addr.arpa");
  CHECK(IpAddress::parse("2001:db8::567:89ab")->reverse_name() ==
        "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_CASE("networks contain addresses of their own family") {
  const struct {
    const char* network;
    const char* address;
    bool contained;
  } rows[] = {
      {"192.0.2.0/24", "192.0.2.255", true},        {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.128/25", "192.0.2.127", false},     {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},          {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false}, {"192.0.2.7", "192.0.2.7", true},
      {"::ffff:192.0.2.0/120", "192.0.2.77", true}, {"::/0", "192.0.2.1", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.network);
    CAPTURE(row.address);
    CHECK(Network::parse(row.network)->contains(*IpAddress::parse(row.address)) == row.contained);
  }
  for (const char* bad :
       {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129", "x/8", "192.0.2.0/08x"}) {
    CAPTURE(bad);
    CHECK_FALSE(Network::parse(bad).has_value());
  }
}

TEST_CASE("an address that is one host's to everybody (RFC 6890)") {
  const struct {
    const char* address;
    bool global;
  } rows[] = {
      {"192.0.2.1", true},  {"8.8.8.8", true},          {"2001:db8::1", true},
      {"2a00::1", true},    {"10.0.0.1", false},        {"100.64.0.1", false},
      {"127.0.0.1", false}, {"169.254.1.1", false},     {"172.16.0.1", false},
      {"172.32.0.1", true}, {"192.168.0.1", false},     {"240.0.0.1", false},
      {"::1", false},       {"::ffff:10.0.0.1", false}, {"::ffff:192.0.2.1", true},
      {"fd00::1", false},   {"fe80::1", false},         {"ff02::1", false},
      {"100::1", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.address);
    CHECK(is_global(*IpAddress::parse(row.address)) == row.global);
  }
}
