#include <authmilter/verify.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/scripted_resolver.h"

// What goes wrong on our side of the DNS, or in our own code, is never a none and never a pass.

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

// Whose name is forged, and who forges it. The forger's names answer as slowly as he likes.
constexpr const char* kZone = R"(
bank.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.bank.example TXT "v=DMARC1; p=none; sp=none; np=reject"
_dmarc.a.bank.example TXT "v=DMARC1; p=reject"
a.bank.example TXT "v=spf1 a:mail.a.bank.example -all"
mail.a.bank.example A 192.0.2.7
club.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
slow.example TXT "v=spf1 include:1.slow.example include:2.slow.example include:3.slow.example include:4.slow.example -all"
1.slow.example TXT "v=spf1 -all"
2.slow.example TXT "v=spf1 -all"
3.slow.example TXT "v=spf1 -all"
4.slow.example TXT "v=spf1 -all"
wide.example TXT "v=spf1 mx mx:1.wide.example mx:2.wide.example mx:3.wide.example mx:4.wide.example -all"
wide.example MX 1 a.wide.example
wide.example MX 2 b.wide.example
wide.example MX 3 c.wide.example
1.wide.example MX 1 d.wide.example
ptr.example TXT "v=spf1 ptr -all"
_dmarc.ptr.example TXT "v=DMARC1; p=reject"
)";
constexpr const char* kSignature =
    "DKIM-Signature: v=1; a=rsa-sha256; d=a.bank.example; s=s; h=from; b=AAAA;\r\n"
    " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n";
constexpr const char* kAuthor = "From: a@a.bank.example\r\n";

Config test_config(const std::string& more = "") {
  const auto config = parse_config("[identity]\nauthserv_id = \"mx.home.example\"\n" + more, "test",
                                   "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  return *config;
}

struct Input {
  std::string mail_from = "<a@a.bank.example>";
  std::string helo = "client.example";
  std::string header = std::string(kSignature) + kAuthor;
  const char* client = "192.0.2.7";
};

MessageVerdict judge(const Input& input, const Config& config, Resolver& resolver) {
  const DkimEngine engine;
  Envelope envelope;
  envelope.client = IpAddress::parse(input.client);
  envelope.helo = parse_helo(input.helo);
  envelope.mail_from = parse_reverse_path(input.mail_from);
  MessageVerifier verifier(config, engine, resolver, envelope, 1'700'000'000);
  for (const HeaderField& field : parse_message(input.header + "\r\n").fields)
    verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body("Hello.\r\n");
  return verifier.finish();
}

bool has(const MessageVerdict& verdict, std::string_view text) {
  return verdict.authentication_results.find(text) != std::string::npos;
}

/// Answers as the zone does, after a while for the names below `slow`. What was asked for in
/// advance is there at once.
ScriptedResolver slow_resolver(const std::string& slow) {
  return ScriptedResolver(kZone, [slow](const DnsQuestion& question, Deadline deadline) {
    const bool waits = question.name.text().ends_with(slow);
    return waits ? ScriptedResolver::after(40ms, deadline) : nullptr;
  });
}

/// Fails as a bug or exhausted memory would, once it is asked for `name`.
ScriptedResolver throwing_resolver(const std::string& name) {
  return ScriptedResolver(kZone, [name](const DnsQuestion& question, Deadline) -> DnsAnswerRef {
    if (question.name.text() == name) throw std::runtime_error("internal");
    return nullptr;
  });
}

/// A signature that no key verifies.
std::string signature_of(const std::string& domain) {
  std::string text = kSignature;
  text.replace(text.find("a.bank.example"), std::string_view("a.bank.example").size(), domain);
  return text;
}

const char* const kAccept = "[policy]\ndmarc_temperror = \"accept\"\n";
const char* const kTempfail =
    "[policy]\ndmarc_temperror = \"tempfail\"\nspf_temperror = \"tempfail\"\n";

}  // namespace

TEST_CASE("whichever lookup fails, its method says temperror (A69, A173, A174, A185)") {
  const struct {
    const char* method;
    const char* name;
    const char* results;
    // Where forgeries may come in with the DNS down: what the policy gives with "accept".
    const char* rule;
    Disposition disposition;
  } rows[] = {
      {"SPF, the record", "b.bank.example", "spf=temperror", "dmarc.temperror",
       Disposition::accept},
      {"SPF, a term", "mail.b.bank.example", "spf=temperror", "dmarc.temperror",
       Disposition::accept},
      {"DKIM, the key", "s._domainkey.b.bank.example", "dkim=temperror", "spf.fail",
       Disposition::tag},
      {"DMARC, the policy", "_dmarc.b.bank.example", "dmarc=temperror", "spf.fail",
       Disposition::tag},
  };
  const DnsFault faults[] = {DnsFault::timeout, DnsFault::servfail, DnsFault::bogus,
                             DnsFault::malformed, DnsFault::limit};
  // As a.bank.example, but each of its names may be taken out: a fault stands for what is missing.
  const std::pair<const char*, std::string> records[] = {
      {"b.bank.example", "TXT \"v=spf1 a:mail.b.bank.example -all\""},
      {"mail.b.bank.example", "A 198.51.100.1"},
      {"_dmarc.b.bank.example", "TXT \"v=DMARC1; p=reject\""},
  };
  for (const auto& row : rows) {
    for (const DnsFault fault : faults) {
      CAPTURE(row.method);
      CAPTURE(to_string(fault));
      std::string zone;
      for (const auto& [name, record] : records) {
        if (name != std::string_view(row.name)) zone += std::string(name) + " " + record + "\n";
      }
      const auto resolver = make_test_resolver(zone, {{row.name, fault}});
      std::string header = std::string(kSignature) + "From: a@b.bank.example\r\n";
      header.replace(header.find("d=a."), 4, "d=b.");
      const Input input{.mail_from = "<a@b.bank.example>", .header = header};
      const MessageVerdict verdict = judge(input, test_config(kAccept), *resolver);
      CHECK_MESSAGE(has(verdict, row.results), verdict.authentication_results);
      CHECK_FALSE(has(verdict, "=pass"));
      CHECK(has(verdict, "dmarc=temperror"));
      CHECK(rule_text(verdict.decision) == row.rule);
      CHECK(verdict.disposition == row.disposition);
      // By default the sender is asked to come again, and told what it is that failed: the word is
      // the same whoever asked.
      const MessageVerdict deferred = judge(input, test_config(), *resolver);
      CHECK(deferred.disposition == Disposition::tempfail);
      CHECK(deferred.decision.reply->code == 451);
      CHECK(deferred.decision.reply->enhanced == "4.7.0");
      const std::string cause = std::string(row.name) + ": " + std::string(temperror_reason(fault));
      CHECK_MESSAGE(deferred.decision.reply->text.find(cause) != std::string::npos,
                    deferred.decision.reply->text);
      CHECK(deferred.decision.reason.find(row.name) != std::string::npos);
    }
  }
}

TEST_CASE("with p=none a message goes its way, though nothing that aligns is known") {
  const auto resolver = make_test_resolver("_dmarc.n.example TXT \"v=DMARC1; p=none\"\n",
                                           {{"n.example", DnsFault::servfail}});
  for (const char* config : {"", "[policy]\ndmarc_temperror = \"reject\"\n"}) {
    const MessageVerdict verdict =
        judge({.mail_from = "<a@n.example>", .header = "From: a@n.example\r\n"},
              test_config(config), *resolver);
    CHECK(has(verdict, "spf=temperror"));
    CHECK(has(verdict, "dmarc=temperror"));
    CHECK(verdict.disposition == Disposition::accept);
    CHECK(rule_text(verdict.decision) == "dmarc.none");
  }
}

TEST_CASE("with no questions left nothing is known (A161, A185)") {
  const auto resolver = make_test_resolver(kZone);
  for (const unsigned queries : {0U, 1U}) {
    CAPTURE(queries);
    Config config = test_config(kTempfail);
    config.dns.message_queries = queries;
    const MessageVerdict verdict = judge({}, config, *resolver);
    CHECK(has(verdict, "spf=temperror"));
    CHECK(has(verdict, "dkim=temperror"));
    CHECK(has(verdict, "dmarc=temperror"));
    CHECK_FALSE(has(verdict, "=pass"));
    CHECK(verdict.disposition == Disposition::tempfail);
  }
}

TEST_CASE("a sender's own slow names do not use up the time for the author's (A68, A69, A161)") {
  auto resolver = slow_resolver("slow.example");
  Config config = test_config();
  config.dns.message_timeout = 100ms;
  SUBCASE("the policy of the author's domain") {
    const MessageVerdict verdict =
        judge({.mail_from = "<a@slow.example>", .helo = "slow.example", .header = kAuthor}, config,
              resolver);
    CHECK(has(verdict, "spf=temperror"));
    CHECK_MESSAGE(has(verdict, "dmarc=fail"), verdict.authentication_results);
    CHECK(verdict.disposition == Disposition::reject);
  }
  SUBCASE("whether the author's domain exists") {
    const MessageVerdict verdict =
        judge({.mail_from = "<a@slow.example>", .header = "From: a@nx.bank.example\r\n"}, config,
              resolver);
    CHECK_MESSAGE(has(verdict, "dmarc=fail"), verdict.authentication_results);
    CHECK(verdict.disposition == Disposition::reject);
  }
  SUBCASE("the key that a forged signature of the author names") {
    const MessageVerdict verdict = judge({.mail_from = "<a@slow.example>"}, config, resolver);
    CHECK(has(verdict, "spf=temperror"));
    CHECK_MESSAGE(has(verdict, "dkim=permerror"), verdict.authentication_results);
    CHECK(verdict.disposition == Disposition::reject);
  }
}

TEST_CASE("what the author's domain says is waited for first, HELO last (A192, A201)") {
  ScriptedResolver resolver(kZone);
  judge({.mail_from = "<a@club.example>",
         .helo = "helo.attack.com",
         .header = signature_of("attack.com") + signature_of("bank.example") +
                   signature_of("b.bank.example") + signature_of("a.bank.example") + kAuthor},
        test_config(), resolver);
  using Names = std::vector<std::string>;
  // The author's policy; the keys of what may be aligned; MAIL FROM; other keys; HELO.
  // For which names somebody waits, in their order.
  Names waited_for = resolver.names();
  waited_for.erase(std::unique(waited_for.begin(), waited_for.end()), waited_for.end());
  CHECK(waited_for == Names{"_dmarc.a.bank.example", "_dmarc.bank.example", "_dmarc.example",
                            "s._domainkey.bank.example", "s._domainkey.b.bank.example",
                            "s._domainkey.a.bank.example", "club.example",
                            "s._domainkey.attack.com", "helo.attack.com"});
  CHECK(resolver.prefetched_names() ==
        Names{"club.example", "helo.attack.com", "_dmarc.a.bank.example", "_dmarc.bank.example",
              "_dmarc.example", "s._domainkey.bank.example", "s._domainkey.a.bank.example",
              "s._domainkey.attack.com", "s._domainkey.b.bank.example"});
}

TEST_CASE("HELO has little time of its own, and takes nothing from the rest (A201)") {
  auto resolver = slow_resolver("slow.example");
  const auto began = std::chrono::steady_clock::now();
  const MessageVerdict verdict =
      judge({.mail_from = "<a@attack.com>", .helo = "slow.example"}, test_config(), resolver);
  CHECK(std::chrono::steady_clock::now() - began < 4s);
  CHECK_MESSAGE(has(verdict, "dkim=permerror"), verdict.authentication_results);
  CHECK(has(verdict, "dmarc=fail"));
  CHECK(verdict.disposition == Disposition::reject);
}

TEST_CASE(
    "an answer that there was no room for is a refusal for now, whatever is configured (A202)") {
  const char* const kMild = "[policy]\ndmarc_temperror = \"accept\"\nspf_temperror = \"accept\"\n";
  const char* const kMonitor = "[verify]\nmode = \"monitor\"\n";
  const std::string unsigned_mail = kAuthor;
  const struct {
    std::string why;
    std::string config;
    Input input;
    const char* name;  // without an answer
    Disposition disposition;
    const char* rule;
    const char* results;
  } rows[] = {
      {"the policy",
       kMild,
       {},
       "_dmarc.c.example",
       Disposition::tempfail,
       "limit.dns",
       "dmarc=temperror reason=dns-overload"},
      {"SPF of MAIL FROM",
       kMild,
       {},
       "c.example",
       Disposition::tempfail,
       "limit.dns",
       "spf=temperror reason=dns-overload"},
      {"a key",
       kMild,
       {.header = signature_of("c.example") + "From: a@c.example\r\n"},
       "s._domainkey.c.example",
       Disposition::tempfail,
       "limit.dns",
       "dkim=temperror reason=dns-overload"},
      {"in monitor mode nothing is refused",
       kMonitor,
       {},
       "_dmarc.c.example",
       Disposition::accept,
       "limit.dns",
       "dmarc=temperror reason=dns-overload"},
      {"an author that is proven all the same",
       kMild,
       {.mail_from = "<a@a.bank.example>", .helo = "c.example", .header = unsigned_mail},
       "c.example",
       Disposition::accept,
       "dmarc.pass",
       "dmarc=pass"},
      {"A254: a name of the client, without which SPF fails",
       kMild,
       {.mail_from = "<a@ptr.example>", .header = "From: a@ptr.example\r\n"},
       "7.2.0.192.in-addr.arpa",
       Disposition::tempfail,
       "limit.dns",
       "spf=fail"},
      {"a forgery that is known to be one",
       kMild,
       {.mail_from = "<a@attack.com>", .helo = "c.example", .header = unsigned_mail},
       "c.example",
       Disposition::reject,
       "dmarc.reject",
       "dmarc=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Input input = row.input;
    if (input.header == Input().header) {
      input.mail_from = "<a@c.example>";
      input.header = "From: a@c.example\r\n";
    }
    const auto resolver = make_test_resolver(kZone, {{row.name, DnsFault::overload}});
    const MessageVerdict verdict = judge(input, test_config(row.config), *resolver);
    CHECK(verdict.disposition == row.disposition);
    CHECK(rule_text(verdict.decision) == row.rule);
    CHECK_MESSAGE(has(verdict, row.results), verdict.authentication_results);
    if (row.rule == std::string_view("limit.dns")) {
      CHECK(verdict.decision.disposition == Disposition::tempfail);
      CHECK(verdict.decision.reply->code == 451);
      CHECK(verdict.decision.reply->enhanced == "4.3.2");
    }
  }
}

TEST_CASE("a sender's own many names do not use up the questions for the author's (A161)") {
  const auto resolver = make_test_resolver(kZone);
  for (const unsigned queries : {12U, 14U, 16U}) {
    CAPTURE(queries);
    Config config = test_config();
    config.dns.message_queries = queries;
    const MessageVerdict verdict = judge({.mail_from = "<a@wide.example>"}, config, *resolver);
    CHECK_MESSAGE(has(verdict, "dmarc=fail"), verdict.authentication_results);
    CHECK(verdict.disposition == Disposition::reject);
  }
}

TEST_CASE("what fails inside us leaves as an exception, unharmed by the C libraries (A185)") {
  // The daemon answers an exception with a tempfail; see milter/daemon/protocol/callbacks.cc.
  const char* const names[] = {"a.bank.example", "mail.a.bank.example", "client.example",
                               "s._domainkey.a.bank.example", "_dmarc.a.bank.example"};
  for (const char* name : names) {
    CAPTURE(name);
    auto resolver = throwing_resolver(name);
    CHECK_THROWS_WITH_AS(judge({}, test_config(), resolver), "internal", std::runtime_error);
  }
}
