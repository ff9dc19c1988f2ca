#include <authmilter/verify.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/dkim/messages.h"

// SPF of mail that a forwarder hands on under the reverse-path that it came with.

using namespace authmilter;

namespace {

constexpr const char* kZone =
    "example.org TXT \"v=spf1 ip4:198.51.100.7 -all\"\n"
    "_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.late.example TXT \"v=DMARC1; p=reject\"\n"
    "a.example TXT \"v=spf1 ip4:198.51.100.7 -all\"\n"
    "loose.example TXT \"v=spf1 ip4:10.0.0.0/8 ip4:100.64.0.0/10 -all\"\n"
    "_dmarc.loose.example TXT \"v=DMARC1; p=reject\"\n"
    "f.example TXT \"v=spf1 ip4:192.0.2.25 -all\"\n"
    "_dmarc.f.example TXT \"v=DMARC1; p=reject\"\n";

const std::string kForwarder =
    "[identity]\nauthserv_id = \"mx.home.example\"\n"
    "[[policy.forwarder]]\nnetworks = \"192.0.2.25\"\nreceived_by = \"mx.f.example\"\n";

struct Given {
  std::vector<std::string> received = {
      " from mail.a.example (mail.a.example [198.51.100.7]) by mx.f.example; x"};
  std::string author = "a@example.org";
  std::string mail_from = "<a@example.org>";
  const char* client = "192.0.2.25";
  std::string config = kForwarder;
  std::vector<ZoneFault> faults = {};
};

MessageVerdict judge(const Given& given) {
  const auto config = parse_config(given.config, "test", "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  const auto resolver = make_test_resolver(kZone, given.faults);
  Envelope envelope;
  envelope.client = IpAddress::parse(given.client);
  envelope.helo = parse_helo("mx.f.example");
  envelope.mail_from = parse_reverse_path(given.mail_from);
  MessageVerifier verifier(*config, dkim_test::engine(), *resolver, envelope, dkim_test::kNow);
  verifier.add_recipient(parse_reverse_path("<user@home.example>"));
  for (const auto& value : given.received) verifier.header({"Received", value});
  verifier.header({"From", ' ' + given.author});
  verifier.end_of_headers();
  return verifier.finish();
}

std::string summary(const MessageVerdict& verdict) {
  const Findings& found = verdict.findings;
  std::string text = std::string(to_string(verdict.disposition)) + " " +
                     rule_text(verdict.decision) +
                     ", spf=" + std::string(to_string(found.spf.front().result));
  if (!found.forwarder) return text;
  return text + (found.forwarder->client ? ", past to " + found.forwarder->client->text()
                                         : ", " + std::string(to_string(found.forwarder->reason)));
}

}  // namespace

TEST_CASE("SPF looks past forwarders that are named, and past nobody else") {
  const std::string good =
      " from mail.a.example (mail.a.example [198.51.100.7]) by mx.f.example; x";
  const std::string attacker = " from x.example (x.example [203.0.113.9]) by mx.f.example; x";
  const std::string stranger = " from mail.a.example (y.example [198.51.100.7]) by mx.x.example; x";
  const struct {
    std::string why;
    Given given;
    std::string want;
  } rows[] = {
      {"the author's server, by way of the forwarder",
       {},
       "accept dmarc.pass, spf=pass, past to 198.51.100.7"},
      {"not configured",
       {.config = "[identity]\nauthserv_id = \"mx.home.example\"\n"},
       "reject dmarc.reject, spf=fail"},
      {"from another host", {.client = "192.0.2.26"}, "reject dmarc.reject, spf=fail"},
      {"a forgery by way of the forwarder",
       {.received = {attacker}},
       "reject dmarc.reject, spf=fail, past to 203.0.113.9"},
      {"with a field below that lies",
       {.received = {attacker, good}},
       "reject dmarc.reject, spf=fail, past to 203.0.113.9"},
      {"a stranger's field",
       {.received = {stranger}},
       "reject dmarc.reject, spf=fail, foreign-received"},
      {"malformed",
       {.received = {" from a by mx.f.example; x", good}},
       "reject dmarc.reject, spf=fail, malformed-received"},
      {"none", {.received = {}}, "reject dmarc.reject, spf=fail, no-received"},
      {"mail of the forwarder's own, which one of its users brought",
       {.received = {attacker}, .author = "a@f.example", .mail_from = "<a@f.example>"},
       "accept dmarc.pass, spf=pass, spf-answers-for-it"},
      {"a report, whose sender is known by its HELO",
       {.mail_from = "<>"},
       "reject dmarc.reject, spf=none, past to 198.51.100.7"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(judge(row.given)) == row.want);
  }
}

TEST_CASE("attacks by way of a forwarder: none of these passes in the author's name (A363, A364)") {
  // Hosts inside: its filters, a private network, and one whose address is public.
  const std::string config =
      kForwarder + "internal = [\"127.0.0.0/8\", \"10.1.0.0/16\", \"192.0.2.27\"]\n";
  const auto field = [](const std::string& client, const std::string& by = "mx.f.example") {
    return " from mail.a.example (mail.a.example [" + client + "]) by " + by + "; x";
  };
  const std::string forged = field("198.51.100.7");
  // Of a domain that lists private addresses.
  const std::string loose = "a@loose.example";
  const struct {
    std::string why;
    Given given;
    std::string want;
  } rows[] = {
      {"a client of ours at an address that its hosts have inside",
       {.received = {forged}, .client = "10.1.2.3"},
       "reject dmarc.reject, spf=fail"},
      {"a filter of ours that writes no field of its own",
       {.received = {forged}, .client = "127.0.0.1"},
       "reject dmarc.reject, spf=fail"},
      {"a client at its public address inside",
       {.received = {forged}, .client = "192.0.2.27"},
       "reject dmarc.reject, spf=fail"},
      {"a user of the forwarder in a private network that is not its hosts'",
       {.received = {field("10.2.0.1"), forged}},
       "reject dmarc.reject, spf=fail, submitted-there"},
      {"the same, whom the author's domain lists",
       {.received = {field("10.2.0.1")}, .author = loose, .mail_from = "<" + loose + ">"},
       "reject dmarc.reject, spf=fail, submitted-there"},
      {"a customer behind its carrier's translation (RFC 6598)",
       {.received = {field("100.64.0.1")}, .author = loose, .mail_from = "<" + loose + ">"},
       "reject dmarc.reject, spf=fail, submitted-there"},
      {"a website on the address from which it hands mail on",
       {.received = {field("192.0.2.25"), forged}},
       "reject dmarc.reject, spf=fail, submitted-there"},
      {"a link-local client",
       {.received = {field("IPv6:fe80::1"), forged}},
       "reject dmarc.reject, spf=fail, submitted-there"},
      {"a mapped private client",
       {.received = {field("IPv6:::ffff:10.2.0.1"), forged}},
       "reject dmarc.reject, spf=fail, submitted-there"},
      {"a stranger who says that he is inside",
       {.received = {" from [10.1.2.3] (x.example [203.0.113.9]) by mx.f.example; x", forged}},
       "reject dmarc.reject, spf=fail, past to 203.0.113.9"},
      {"... with a bracket in his name",
       {.received = {" from x ([10.1.2.3] [203.0.113.9]) by mx.f.example; x", forged}},
       "reject dmarc.reject, spf=fail, malformed-received"},
      {"... with a parenthesis",
       {.received = {" from x (a (b [10.1.2.3]) [203.0.113.9]) by mx.f.example; x", forged}},
       "reject dmarc.reject, spf=fail, malformed-received"},
      {"a filter, and a stranger's field below",
       {.received = {field("127.0.0.1"), field("198.51.100.7", "mx.attack.example")}},
       "reject dmarc.reject, spf=fail, foreign-received"},
      {"a host inside, and nothing below",
       {.received = {field("10.1.2.3")}},
       "reject dmarc.reject, spf=fail, no-received"},
      {"a host inside, of which the field below says a private client",
       {.received = {field("10.1.2.3"), field("192.168.0.1"), forged}},
       "reject dmarc.reject, spf=fail, submitted-there"},
      {"ten hosts inside, and one more",
       {.received = {field("10.1.0.1"), field("10.1.0.2"), field("10.1.0.3"), field("10.1.0.4"),
                     field("10.1.0.5"), field("10.1.0.6"), field("10.1.0.7"), field("10.1.0.8"),
                     field("10.1.0.9"), field("10.1.0.10"), forged}},
       "reject dmarc.reject, spf=fail, too-many-hops"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Given given = row.given;
    given.config = config;
    CHECK(summary(judge(given)) == row.want);
  }
  // What is none: by way of its hosts inside, from who may send it.
  CHECK(summary(judge({.received = {field("127.0.0.1"), field("10.1.2.3"), forged},
                       .config = config})) == "accept dmarc.pass, spf=pass, past to 198.51.100.7");
}

TEST_CASE("while the DNS leaves SPF open, looking past makes nothing certain but a pass") {
  const std::vector<ZoneFault> faults = {{"late.example", DnsFault::servfail}};
  CHECK(summary(judge(
            {.author = "a@late.example", .mail_from = "<a@late.example>", .faults = faults})) ==
        "tempfail dmarc.temperror, spf=temperror, spf-answers-for-it");
}

TEST_CASE("the results field and the refusal name the client that SPF is of") {
  CHECK(judge({}).authentication_results.find(
            "spf=pass (client before the forwarder: 198.51.100.7) smtp.mailfrom=example.org") !=
        std::string::npos);
  const MessageVerdict verdict =
      judge({.received = {" from x.example (x.example [203.0.113.9]) by "
                          "mx.f.example; x"},
             .author = "a@none.example",
             .config = kForwarder + "[policy]\nspf_fail = \"reject\"\n"});
  REQUIRE(verdict.decision.reply);
  CHECK(verdict.decision.reply->text.find(" authorize 203.0.113.9 ") != std::string::npos);
}
