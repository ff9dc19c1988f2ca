#include <authmilter/recording_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "lib/dmarc/evaluation_rows.h"

using namespace authmilter;
using namespace authmilter::evaluation_test;

TEST_CASE("one aligned identifier that passed is enough (RFC 9989 section 5.3.5)") {
  const Row rows[] = {
      {"spf", "example.com", {spf("example.com")}, kReject, {}, "pass aligned-spf reject"},
      {"dkim", "example.com", {dkim("example.com")}, kReject, {}, "pass aligned-dkim reject"},
      {"both",
       "example.com",
       {spf("mail.example.com"), dkim("example.com")},
       kReject,
       {},
       "pass aligned-spf-and-dkim reject"},
      {"one of many signatures",
       "example.com",
       {dkim("list.example.net"), dkim("a.example.com"), dkim("example.org")},
       kReject,
       {},
       "pass aligned-dkim reject"},
      {"none at all", "example.com", {}, kReject, {}, "fail no-aligned-identifier reject"},
      {"none that aligns",
       "example.com",
       {spf("example.net"), dkim("example.org")},
       kReject,
       {},
       "fail no-aligned-identifier reject"},
      {"p=none fails too",
       "example.com",
       {},
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       {},
       "fail no-aligned-identifier none"},
      {"each method has its mode (edge case 89)",
       "example.com",
       {spf("a.example.com"), dkim("a.example.com")},
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; aspf=s\"",
       {},
       "pass aligned-dkim reject"},
      {"and the other way round",
       "example.com",
       {spf("a.example.com"), dkim("a.example.com")},
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; adkim=s\"",
       {},
       "pass aligned-spf reject"},
      {"both strict (A105)",
       "example.com",
       {spf("evil.example.com"), dkim("evil.example.com")},
       kStrict,
       {},
       "fail no-aligned-identifier reject"},
      {"one-letter domain (A104)",
       "victim.com",
       {spf("x.com"), dkim("x.com")},
       "_dmarc.victim.com. TXT \"v=DMARC1; p=reject\"",
       {},
       "fail no-aligned-identifier reject"},
  };
  check(rows);
}

TEST_CASE("the RFC's worked examples (RFC 9989 appendix B.4)") {
  const char* const simple =
      "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
      "_dmarc.signing.example.com. TXT \"v=DMARC1; p=reject\"";
  const struct {
    std::string why;
    const char* author;
    const char* zone;
    Identifiers identifiers;
    const char* organizational_domain;
    const char* verdict;
    std::size_t queries;
  } rows[] = {
      {"B.4.1: each name is asked once",
       "example.com",
       simple,
       {spf("example.com"), dkim("signing.example.com")},
       "example.com",
       "pass aligned-spf-and-dkim reject",
       3},
      {"B.4.2: a deep Author Domain",
       "a.b.c.d.e.f.g.h.i.j.k.example.com",
       simple,
       {spf("example.com"), dkim("signing.example.com")},
       "example.com",
       "pass aligned-spf-and-dkim reject",
       9},
      {"B.4.3: psd=y ends each walk, and siblings do not align",
       "giant.bank.example",
       "_dmarc.bank.example. TXT \"v=DMARC1; p=reject; psd=y\"\n"
       "_dmarc.giant.bank.example. TXT \"v=DMARC1; p=quarantine\"",
       {spf("mail.giant.bank.example"), dkim("mail.mega.bank.example")},
       "giant.bank.example",
       "pass aligned-spf quarantine",
       3},
      {"the same without SPF",
       "giant.bank.example",
       "_dmarc.bank.example. TXT \"v=DMARC1; p=reject; psd=y\"\n"
       "_dmarc.giant.bank.example. TXT \"v=DMARC1; p=quarantine\"",
       {dkim("mail.mega.bank.example"), dkim("bank.example")},
       "giant.bank.example",
       "fail no-aligned-identifier quarantine",
       2},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto zone = make_test_resolver(row.zone);
    RecordingResolver resolver(*zone);
    const auto outcome = evaluate(name(row.author), row.identifiers, resolver);
    CHECK(verdict(outcome) == row.verdict);
    CHECK(outcome.organizational_domain == name(row.organizational_domain));
    CHECK(resolver.entries().size() == row.queries);
  }
}

TEST_CASE("no record that applies is no DMARC (RFC 9989 sections 4.10.1, 5.3.2)") {
  const Row rows[] = {
      {"nothing published", "example.com", {dkim("example.com")}, "", {}, "none no-record none"},
      {"nothing usable",
       "example.com",
       {dkim("example.com")},
       "_dmarc.example.com. TXT \"v=DMARC1; p=bogus\"",
       {},
       "none no-usable-policy none"},
      {"several records (A112)",
       "example.com",
       {},
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       {},
       "none no-record none"},
      {"a tag twice (A110)",
       "example.com",
       {},
       "_dmarc.example.com. TXT \"v=DMARC1;p=reject;p=none\"",
       {},
       "none no-record none"},
      {"a single label (edge case 86)", "localhost", {}, "", {}, "none single-label-domain none"},
  };
  check(rows);
}

TEST_CASE("the order of the identifiers changes nothing (A101, A186)") {
  const struct {
    std::string why;
    Identifiers identifiers;
    std::vector<ZoneFault> faults;
    const char* verdict;
  } rows[] = {
      {"a pass among others",
       {dkim("sub.example.com"), dkim("attack.net"), spf("example.com", kTemperror),
        spf("example.org")},
       {},
       "pass aligned-dkim reject"},
      {"two kinds of temperror",
       {dkim("a.example.com"), spf("example.com", kTemperror), dkim("b.example.com"),
        dkim("attack.net")},
       {{"_dmarc.a.example.com", DnsFault::timeout}, {"_dmarc.b.example.com", DnsFault::bogus}},
       "temperror dns-timeout reject"},
      {"two kinds of pass",
       {dkim("a.example.com"), spf("example.com"), dkim("example.com"),
        dkim("example.com", kTemperror)},
       {},
       "pass aligned-spf-and-dkim reject"},
  };
  const auto before = [](const AuthenticatedIdentifier& a, const AuthenticatedIdentifier& b) {
    return std::tie(a.method, a.domain, a.state) < std::tie(b.method, b.domain, b.state);
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(kReject, row.faults);
    Identifiers order = row.identifiers;
    std::sort(order.begin(), order.end(), before);
    const auto first = evaluate(name("example.com"), order, *resolver);
    CHECK(verdict(first) == row.verdict);
    int orders = 0;
    do {
      const auto outcome = evaluate(name("example.com"), order, *resolver);
      CHECK(verdict(outcome) == row.verdict);
      CHECK(outcome.notes == first.notes);
      ++orders;
    } while (std::next_permutation(order.begin(), order.end(), before));
    CHECK(orders == 24);
  }
}

TEST_CASE("an Author Domain that cannot be looked up is a permerror (A113)") {
  std::string longest = "example.com";
  for (int i = 0; i < 4; ++i) longest = std::string(57, 'a') + "." + longest;
  longest = std::string(2, 'b') + "." + longest;
  REQUIRE(longest.size() == 246);
  const auto resolver = make_test_resolver("_dmarc.example.com. TXT \"v=DMARC1; p=reject\"");
  CHECK(verdict(evaluate(name(longest), {}, *resolver)) == "fail no-aligned-identifier reject");
  CHECK(verdict(evaluate(name("b" + longest), {}, *resolver)) ==
        "permerror unusable-author-domain none");
  CHECK(verdict(evaluate(name("_._"), {}, *resolver)) == "permerror unusable-author-domain none");
}

TEST_CASE("what an outcome tells") {
  const auto resolver = make_test_resolver(
      "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=reject; t=y; pct=5; "
      "rua=mailto:a@example.com; ruf=mailto:f@example.com\"");
  const auto outcome = evaluate(name("news.example.com"),
                                Identifiers{dkim("example.com"), spf("example.net")}, *resolver);
  CHECK(outcome.result == DmarcResult::pass);
  CHECK(outcome.author_domain == name("news.example.com"));
  CHECK(outcome.organizational_domain == name("example.com"));
  CHECK(outcome.policy_domain == name("example.com"));
  CHECK(outcome.published_policy == AssessmentPolicy::reject);
  CHECK(outcome.policy == AssessmentPolicy::quarantine);
  CHECK(outcome.policy_tag == PolicyTag::sp);
  REQUIRE(outcome.record);
  CHECK(outcome.record->testing);
  CHECK(outcome.record->sp == AssessmentPolicy::reject);
  CHECK(outcome.record->rua.addresses.front().uri() == "mailto:a@example.com");
  CHECK(outcome.record->text ==
        "v=DMARC1; p=none; sp=reject; t=y; pct=5; rua=mailto:a@example.com; "
        "ruf=mailto:f@example.com");
  CHECK_FALSE(outcome.spf_aligned);
  CHECK(outcome.dkim_aligned);
  CHECK(outcome.reason == DmarcReason::aligned_dkim);
  std::string walk;
  for (const auto& step : outcome.walk) walk += step.name.text() + ": " + step.outcome + "; ";
  CHECK(walk == "news.example.com: no record; example.com: record; com: no record; ");
  CHECK(outcome.notes == std::vector<std::string>{"record: ignored tag \"pct\": historic",
                                                  "spf example.net: not aligned",
                                                  "dkim example.com: aligned",
                                                  "aggregate reports: mailto:a@example.com",
                                                  "failure reports: mailto:f@example.com"});
}

TEST_CASE("what is known of a message to which DMARC does not apply") {
  const struct {
    std::string why;
    const char* zone;
    std::vector<ZoneFault> faults;
    const char* organizational_domain;
    const char* policy_domain;
  } rows[] = {
      {"no record", "", {}, "a.example.com", ""},
      {"no usable policy",
       "_dmarc.example.com. TXT \"v=DMARC1; p=x\"",
       {},
       "example.com",
       "example.com"},
      {"dns error", "", {{"_dmarc.a.example.com", DnsFault::timeout}}, "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone, row.faults);
    const auto outcome = evaluate(name("a.example.com"), {}, *resolver);
    CHECK((outcome.organizational_domain ? outcome.organizational_domain->text() : "") ==
          row.organizational_domain);
    CHECK((outcome.policy_domain ? outcome.policy_domain->text() : "") == row.policy_domain);
    CHECK_FALSE(outcome.policy_tag);
    CHECK_FALSE(outcome.walk.empty());
  }
}

TEST_CASE("failure reports are not for public suffixes (RFC 9991)") {
  const auto resolver = make_test_resolver(
      "_dmarc.com. TXT \"v=DMARC1; p=reject; psd=y; rua=mailto:a@com.example; "
      "ruf=mailto:f@com.example\"");
  const auto outcome = evaluate(name("example.com"), {}, *resolver);
  CHECK(outcome.policy_domain == name("com"));
  CHECK(outcome.notes == std::vector<std::string>{"aggregate reports: mailto:a@com.example"});
}

TEST_CASE(
    "a public suffix gets no reports of an organization with a record (RFC 9989 section 4.10.1)") {
  const auto resolver = make_test_resolver(
      "_dmarc.example.com. TXT \"v=DMARC1; p=none\"\n"
      "_dmarc.com. TXT \"v=DMARC1; p=reject; psd=y; rua=mailto:a@com.example\"");
  const auto outcome = evaluate(name("a.example.com"), {}, *resolver);
  CHECK(outcome.policy_domain == name("example.com"));
  CHECK(outcome.notes.empty());
}

TEST_CASE("what is discovered is known before anything has authenticated") {
  const auto zone = make_test_resolver("_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=none\"");
  RecordingResolver resolver(*zone);
  auto discovery = discover_dmarc(name("a.example.com"), resolver);
  CHECK(discovery.author_domain() == name("a.example.com"));
  CHECK(discovery.organizational_domain() == name("example.com"));
  REQUIRE(discovery.record() != nullptr);
  CHECK(*discovery.policy_domain() == name("example.com"));
  CHECK(discovery.record()->sp == AssessmentPolicy::none);
  const std::size_t asked = resolver.entries().size();

  // Of the walk's answers none is asked for again, however often it is evaluated.
  CHECK(verdict(evaluate_dmarc(discovery, {})) == "fail no-aligned-identifier none");
  CHECK(verdict(evaluate_dmarc(discovery, Identifiers{dkim("example.com")})) ==
        "pass aligned-dkim none");
  CHECK(resolver.entries().size() == asked);

  const auto nothing = discover_dmarc(name("localhost"), resolver);
  CHECK_FALSE(nothing.organizational_domain());
  CHECK(nothing.record() == nullptr);
  CHECK(nothing.policy_domain() == nullptr);
  CHECK(resolver.entries().size() == asked);
}

TEST_CASE("words that others match on") {
  const struct {
    DnsFault fault;
    const char* word;
  } rows[] = {
      {DnsFault::timeout, "dns-timeout"}, {DnsFault::servfail, "dns-servfail"},
      {DnsFault::bogus, "dnssec-bogus"},  {DnsFault::malformed, "dns-malformed"},
      {DnsFault::limit, "dns-limit"},     {DnsFault::overload, "dns-overload"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.word);
    CHECK(temperror_reason(row.fault) == row.word);  // SPF's and DKIM's too
  }
  CHECK(to_string(DmarcReason::internal_error) == "internal-error");
  CHECK(to_string(DmarcResult::none) == "none");
  CHECK(to_string(DmarcResult::pass) == "pass");
  CHECK(to_string(DmarcResult::fail) == "fail");
  CHECK(to_string(DmarcResult::temperror) == "temperror");
  CHECK(to_string(DmarcResult::permerror) == "permerror");
}
