#include <authmilter/forwarder.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

DomainName name(const char* text) { return *DomainName::parse(text); }

std::vector<Forwarder> forwarders() {
  return {{.networks = std::vector{*Network::parse("192.0.2.25"), *Network::parse("192.0.2.28")},
           .internal = std::vector{*Network::parse("127.0.0.0/8"), *Network::parse("10.1.0.0/16"),
                                   *Network::parse("192.0.2.27")},
           .received_by = {name("mx.f.example"), name("out.f.example")}},
          {.networks = std::vector{*Network::parse("2001:db8:25::/48")},
           .received_by = {name("mx.g.example")}}};
}

std::string received(const std::string& by, const std::string& address) {
  return " from a.example (b.example [" + address + "]) by " + by + "; x";
}

/// "198.51.100.7 a.example", or the reason.
std::string past(const char* client, const std::vector<HeaderField>& fields) {
  const auto found = look_past_forwarders(IpAddress::parse(client), fields, forwarders());
  if (!found) return "no forwarder";
  if (found->client) return found->client->text() + " " + found->helo.text;
  return std::string(to_string(found->reason));
}

}  // namespace

TEST_CASE("an address that is another host's to everybody else began at the forwarder (RFC 6890)") {
  const char* const clients[] = {
      "10.0.0.1",     "172.16.0.1",      "172.31.255.255", "192.168.1.1",
      "100.64.0.1",   "100.127.255.255", "169.254.1.1",    "127.0.0.1",
      "0.0.0.0",      "198.18.0.1",      "224.0.0.1",      "255.255.255.255",
      "IPv6:::1",     "IPv6:::",         "IPv6:fc00::1",   "IPv6:fd12::1",
      "IPv6:fe80::1", "IPv6:fec0::1",    "IPv6:ff02::1",   "IPv6:::ffff:10.0.0.1",
  };
  for (const char* client : clients) {
    CAPTURE(client);
    // The forwarder without hosts inside.
    CHECK(past("2001:db8:25::1", {{"Received", received("mx.g.example", client)},
                                  {"Received", received("mx.g.example", "203.0.113.1")}}) ==
          "submitted-there");
  }
  const char* const global[] = {"9.255.255.255",   "11.0.0.0",        "172.15.255.255",
                                "172.32.0.0",      "100.63.255.255",  "100.128.0.0",
                                "192.167.255.255", "192.169.0.0",     "126.255.255.255",
                                "128.0.0.0",       "169.253.255.255", "223.255.255.255"};
  for (const char* client : global) {
    CAPTURE(client);
    CHECK(past("2001:db8:25::1", {{"Received", received("mx.g.example", client)}}) ==
          std::string(client) + " a.example");
  }
}

TEST_CASE("only the topmost Received fields count, as far as a forwarder wrote them") {
  const std::string good = received("mx.f.example", "198.51.100.7");
  const std::string forged = received("mx.f.example", "203.0.113.1");
  const struct {
    std::string why;
    const char* client;
    std::vector<std::string> received;
    std::string want;
  } rows[] = {
      {"a client that is nobody's forwarder", "192.0.2.26", {good}, "no forwarder"},
      {"who came before", "192.0.2.25", {good}, "198.51.100.7 a.example"},
      {"under another of its names",
       "192.0.2.25",
       {received("out.f.example", "198.51.100.7")},
       "198.51.100.7 a.example"},
      {"what the message came with is not read",
       "192.0.2.25",
       {good, forged, forged},
       "198.51.100.7 a.example"},
      {"none", "192.0.2.25", {}, "no-received"},
      {"a stranger's on top",
       "192.0.2.25",
       {received("mx.attack.example", "203.0.113.1"), good},
       "foreign-received"},
      {"another forwarder's name",
       "192.0.2.25",
       {received("mx.g.example", "203.0.113.1")},
       "foreign-received"},
      {"a host below the name",
       "192.0.2.25",
       {received("a.mx.f.example", "203.0.113.1")},
       "foreign-received"},
      {"malformed, though a good one stands below",
       "192.0.2.25",
       {" from x by mx.f.example", good},
       "malformed-received"},
      {"its own program",
       "192.0.2.25",
       {" by mx.f.example (Postfix, from userid 1)", forged},
       "submitted-there"},
      {"through its filter",
       "192.0.2.25",
       {received("out.f.example", "127.0.0.1"), good},
       "198.51.100.7 a.example"},
      {"through its filter, by a stranger's field",
       "192.0.2.25",
       {received("out.f.example", "127.0.0.1"), received("mx.attack.example", "203.0.113.1")},
       "foreign-received"},
      {"from its filter, which made it",
       "192.0.2.25",
       {received("out.f.example", "127.0.0.1")},
       "no-received"},
      {"loopback that is not configured",
       "2001:db8:25::1",
       {received("mx.g.example", "IPv6:::1"), received("mx.g.example", "203.0.113.1")},
       "submitted-there"},
      {"two forwarders",
       "2001:db8:25::1",
       {received("mx.g.example", "192.0.2.25"), good},
       "198.51.100.7 a.example"},
      {"the second is held to its own names",
       "2001:db8:25::1",
       {received("mx.g.example", "192.0.2.25"), received("mx.g.example", "203.0.113.1")},
       "foreign-received"},
      {"a loop", "192.0.2.25", std::vector(11, received("mx.f.example", "192.0.2.27")),
       "too-many-hops"},
      {"a host inside, in a private network",
       "192.0.2.25",
       {received("out.f.example", "10.1.2.3"), good},
       "198.51.100.7 a.example"},
      {"and in a public one",
       "192.0.2.25",
       {received("out.f.example", "192.0.2.27"), good},
       "198.51.100.7 a.example"},
      {"a host that hands mail to others, which is not said to be inside: users may share it",
       "192.0.2.25",
       {received("mx.f.example", "192.0.2.28"), forged},
       "submitted-there"},
      {"a client that is the forwarder, by its own word",
       "192.0.2.25",
       {received("mx.f.example", "192.0.2.25"), forged},
       "submitted-there"},
      {"nobody is the forwarder by an address inside: a filter of ours, a stranger's field on top",
       "127.0.0.1",
       {forged},
       "no forwarder"},
      {"... or a host of our network", "10.1.2.3", {forged}, "no forwarder"},
      {"... or by an address of its own", "192.0.2.27", {forged}, "no forwarder"},
      {"what is inside of one is not inside of another",
       "2001:db8:25::1",
       {received("mx.g.example", "10.1.2.3"), received("mx.g.example", "203.0.113.1")},
       "submitted-there"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    std::vector<HeaderField> fields = {{"X-Other", " x"}};
    for (const auto& value : row.received) fields.push_back({"Received", value});
    CHECK(past(row.client, fields) == row.want);
  }
  CHECK_FALSE(look_past_forwarders(std::nullopt, {{"Received", good}}, forwarders()));
}
