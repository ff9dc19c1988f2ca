#include <authmilter/dns_health.h>
#include <authmilter/unbound_resolver.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/dns/unbound/resolver_fixture.h"

using namespace authmilter;
using namespace test;
using namespace std::chrono_literals;

TEST_CASE("validation by the upstream's signatures (RFC 4035)") {
  const std::string zone = R"(
good.example.  TXT "signed"
bad.example.   TXT "forged"
plain.test.    TXT "no signature, and none expected"
2.2.0.192.in-addr.arpa. PTR plain.test.
)";
  DnsServer::Options signing;
  signing.signs = true;
  signing.badly_signed = {"bad.example"};
  DnsServer signs(zone, signing);
  DnsServer refuses(zone);
  DnsServer strips(zone, signing);
  strips.change(DnsServer::Signatures::strip);
  const AnchorFile anchor(signs.trust_anchor());
  const struct {
    std::string why;
    DnsServer& server;
    DnssecMode mode;
    const char* good;
    const char* bad;
    const char* notice;
  } rows[] = {
      {"automatic, signatures arrive", signs, DnssecMode::automatic, "secure [signed]",
       "temperror/bogus", ""},
      {"automatic, signatures are stripped", strips, DnssecMode::automatic, "insecure [signed]",
       "insecure [forged]", "nameservers strip DNSSEC signatures: answers are not validated"},
      {"automatic, the root is refused", refuses, DnssecMode::automatic, "insecure [signed]",
       "insecure [forged]",
       "nameservers answer, but not for the DNSSEC keys of the root: answers are not validated"},
      {"on, signatures arrive", signs, DnssecMode::on, "secure [signed]", "temperror/bogus", ""},
      {"on, signatures are stripped", strips, DnssecMode::on, "temperror/bogus", "temperror/bogus",
       ""},
      {"off", signs, DnssecMode::off, "insecure [signed]", "insecure [forged]", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto options = options_for(row.server);
    options.dnssec = row.mode;
    options.trust_anchor_file = anchor.path();
    const auto resolver = make(options);
    CHECK(time_of([&] { CHECK(told(*resolver, "good.example") == row.good); }) < 1s);
    CHECK(told(*resolver, "bad.example") == row.bad);
    CHECK(told(*resolver, "plain.test") == "insecure [no signature, and none expected]");
    CHECK(told(*resolver, "2.2.0.192.in-addr.arpa", RrType::ptr) == "insecure plain.test");
    CHECK(dnssec_notice(*resolver) == row.notice);
    CHECK(dnssec_notice(*resolver) == "");
  }
}

TEST_CASE("an upstream that does not answer decides nothing about validation") {
  DnsServer::Options options;
  options.signs = true;
  options.manners = {{"", Manner::servfail}, {"good.example", Manner::servfail}};
  DnsServer server("good.example. TXT \"signed\"\nlate.example. TXT \"signed\"\n", options);
  const AnchorFile anchor(server.trust_anchor());
  auto automatic = options_for(server);
  automatic.dnssec = DnssecMode::automatic;
  automatic.trust_anchor_file = anchor.path();
  const auto resolver = make(automatic);
  CHECK(told(*resolver, "good.example") == "temperror/servfail");
  server.change("", Manner::answer);
  CHECK(told(*resolver, "late.example") == "secure [signed]");
  CHECK(dnssec_notice(*resolver) == "");
}

TEST_CASE("an upstream that keeps silent about the root delays the first answer only") {
  DnsServer server("a.test. TXT \"a\"\nb.test. TXT \"b\"\n", {{{"", Manner::silent}}});
  const AnchorFile anchor(server.trust_anchor());
  auto automatic = options_for(server);
  automatic.dnssec = DnssecMode::automatic;
  automatic.trust_anchor_file = anchor.path();
  const auto resolver = make(automatic);
  CHECK(time_of([&] { CHECK(told(*resolver, "a.test") == "insecure [a]"); }) < 3s);
  CHECK(time_of([&] { CHECK(told(*resolver, "b.test") == "insecure [b]"); }) < 1s);
  CHECK(dnssec_notice(*resolver) != "");
}

TEST_CASE("A197: an upstream that validates the root only (RFC 4035 section 5)") {
  DnsServer::Options signing;
  signing.signs = true;
  signing.badly_signed = {"bad.example"};
  DnsServer server(
      "good.example. TXT \"signed\"\nbad.example. TXT \"forged\"\n"
      "a.example. TXT \"a\"\nb.example. TXT \"b\"\n",
      signing);
  server.change(DnsServer::Signatures::cut_off);
  const AnchorFile anchor(server.trust_anchor());
  auto automatic = options_for(server);
  automatic.dnssec = DnssecMode::automatic;
  automatic.trust_anchor_file = anchor.path();
  const auto resolver = make(automatic);
  CHECK(validation_status(*resolver) == ValidationStatus::undecided);
  CHECK(told(*resolver, "good.example") == "insecure [signed]");
  CHECK(validation_status(*resolver) == ValidationStatus::off);
  CHECK(dnssec_notice(*resolver) ==
        "nameservers pass the DNSSEC keys of the root, but not what leads below it (DS, DNSKEY): "
        "answers are not validated");

  // The administrator mends it and reloads.
  server.change(DnsServer::Signatures::pass);
  CHECK(told(*resolver, "a.example") == "insecure [a]");
  REQUIRE(renew_upstream(*resolver));
  wait_for([&] { return validation_status(*resolver) == ValidationStatus::on; });
  CHECK(told(*resolver, "b.example") == "secure [b]");
  CHECK(told(*resolver, "bad.example") == "temperror/bogus");
  CHECK(dnssec_notice(*resolver) == "nameservers pass DNSSEC signatures: answers are validated");
}

TEST_CASE("A197: an upstream that changes under a running daemon is noticed, a bogus zone is not") {
  std::string zone;
  for (int i = 0; i < 40; ++i)
    zone += "n" + std::to_string(i) + ".tld" + std::to_string(i) + ". TXT \"x\"\n";
  DnsServer::Options signing;
  signing.signs = true;
  for (int i = 0; i < 20; ++i)
    signing.badly_signed.push_back("n" + std::to_string(i) + ".tld" + std::to_string(i));
  DnsServer server(zone, signing);
  const AnchorFile anchor(server.trust_anchor());
  for (const DnssecMode mode : {DnssecMode::automatic, DnssecMode::on}) {
    server.change(DnsServer::Signatures::pass);
    auto options = options_for(server);
    options.dnssec = mode;
    options.trust_anchor_file = anchor.path();
    const auto resolver = make(options);
    CHECK(told(*resolver, "n39.tld39") == "secure [x]");
    // Strangers' zones, under as many top-level domains as they like.
    for (int i = 0; i < 20; ++i) {
      const std::string name = "n" + std::to_string(i) + ".tld" + std::to_string(i);
      CHECK(told(*resolver, name) == "temperror/bogus");
    }
    CHECK(told(*resolver, "n20.tld20") == "secure [x]");
    CHECK(validation_status(*resolver) == ValidationStatus::on);
    CHECK(dnssec_notice(*resolver) == "");

    // Now it is the upstream itself. The bogus answers are not believed, but they are the last.
    server.change(DnsServer::Signatures::strip);
    REQUIRE(renew_upstream(*resolver));
    if (mode == DnssecMode::on) {
      for (int i = 21; i < 26; ++i) {
        const std::string name = "n" + std::to_string(i) + ".tld" + std::to_string(i);
        CHECK(told(*resolver, name) == "temperror/bogus");
      }
      CHECK(validation_status(*resolver) == ValidationStatus::on);
      continue;
    }
    wait_for([&] { return validation_status(*resolver) == ValidationStatus::off; });
    CHECK(told(*resolver, "n30.tld30") == "insecure [x]");
    CHECK(dnssec_notice(*resolver) ==
          "nameservers strip DNSSEC signatures: answers are not validated");
  }
}

TEST_CASE("trust anchors that change at a reload") {
  DnsServer::Options signing;
  signing.signs = true;
  DnsServer server("a.example. TXT \"a\"\nb.example. TXT \"b\"\nc.example. TXT \"c\"\n", signing);
  for (const DnssecMode mode : {DnssecMode::automatic, DnssecMode::on}) {
    AnchorFile anchor(server.trust_anchor());
    auto options = options_for(server);
    options.dnssec = mode;
    options.trust_anchor_file = anchor.path();
    const auto resolver = make(options);
    CHECK(told(*resolver, "a.example") == "secure [a]");
    anchor.write("; nothing\n");
    const auto renewed = renew_upstream(*resolver);
    const std::string error = "DNSSEC trust anchor: " + anchor.path() +
                              ": holds no usable DS or DNSKEY record of the root";
    CHECK(static_cast<bool>(renewed) == (mode == DnssecMode::automatic));
    if (!renewed) CHECK(renewed.error().message == error);
    CHECK(dnssec_notice(*resolver) ==
          (mode == DnssecMode::on ? "" : error + ": the one in force stays"));
    CHECK(told(*resolver, "b.example") == "secure [b]");
  }
  // One that comes only later.
  AnchorFile anchor("");
  auto options = options_for(server);
  options.dnssec = DnssecMode::automatic;
  options.trust_anchor_file = anchor.path();
  const auto resolver = make(options);
  CHECK(told(*resolver, "a.example") == "insecure [a]");
  anchor.write(server.trust_anchor());
  REQUIRE(renew_upstream(*resolver));
  wait_for([&] { return validation_status(*resolver) == ValidationStatus::on; });
  CHECK(told(*resolver, "b.example") == "secure [b]");
}
