#include <authmilter/dns_health.h>
#include <authmilter/unbound_resolver.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/dns/unbound/resolver_fixture.h"

using namespace authmilter;
using namespace test;
using namespace std::chrono_literals;

TEST_CASE("resolv.conf(5): the system's name servers, and other ones when it changes") {
  DnsServer one("a.example. TXT \"one\"\nb.example. TXT \"one\"\n",
                {.port = 53, .host = "127.0.0.51"});
  DnsServer two("a.example. TXT \"two\"\nb.example. TXT \"two\"\n",
                {.port = 53, .host = "127.0.0.52"});
  TextFile file(
      "nameserver\nnameserver ns.example.org\nnameserver 127.0.0.51:53\nnameserver 127.0.0.51\n");
  UnboundOptions options;
  options.dnssec = DnssecMode::off;
  options.resolv_conf = file.path();
  const auto resolver = make(options);
  CHECK(told(*resolver, "a.example") == "insecure [one]");
  const std::string prefix = file.path() + ": line ";
  CHECK(dnssec_notice(*resolver) == prefix + "1: names no address");
  CHECK(dnssec_notice(*resolver) == prefix + "2: \"ns.example.org\" is not an address");
  CHECK(dnssec_notice(*resolver) == prefix + "3: \"127.0.0.51:53\" is not an address");
  CHECK(dnssec_notice(*resolver) == "");

  file.write("nameserver 127.0.0.52\n");
  REQUIRE(renew_upstream(*resolver));  // a reload looks at once
  CHECK(told(*resolver, "b.example") == "insecure [two]");
  CHECK(dnssec_notice(*resolver) == file.path() + " has changed: asking 127.0.0.52");

  // Without a reload it is seen within seconds, by the next question.
  file.write("nameserver 127.0.0.51\n");
  wait_for([&] {
    static int number = 0;
    told(*resolver, "n" + std::to_string(++number) + ".example");
    return dnssec_notice(*resolver) == file.path() + " has changed: asking 127.0.0.51";
  });
}

TEST_CASE("a resolv.conf without a usable line means the server on this host") {
  for (const char* text : {"", "nameserver\n", "nameserver 192.0.2.1:53\n"}) {
    CAPTURE(text);
    TextFile file(text);
    if (*text == 0) file.remove();
    UnboundOptions options;
    options.resolv_conf = file.path();
    options.timeout = 300ms;
    const auto resolver = make(options);
    told(*resolver, "a.example");  // whatever is there
  }
}
