#include <authmilter/budget_resolver.h>
#include <authmilter/recording_resolver.h>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "lib/dmarc/evaluation_rows.h"

using namespace authmilter;
using namespace authmilter::evaluation_test;

TEST_CASE("with a query open there is neither pass nor fail (RFC 9989 section 5.3.6)") {
  const Row rows[] = {
      {"policy, timeout",
       "example.com",
       {},
       "",
       {{"_dmarc.example.com", DnsFault::timeout}},
       "temperror dns-timeout none"},
      {"policy, server failure; the record above does not stand in (A115)",
       "a.example.com",
       {},
       kReject,
       {{"_dmarc.a.example.com", DnsFault::servfail}},
       "temperror dns-servfail none"},
      {"policy, bogus",
       "example.com",
       {},
       "",
       {{"_dmarc.example.com", DnsFault::bogus}},
       "temperror dnssec-bogus none"},
      {"policy, malformed",
       "example.com",
       {},
       "",
       {{"_dmarc.example.com", DnsFault::malformed}},
       "temperror dns-malformed none"},
      {"policy, our own limit (A185)",
       "example.com",
       {},
       "",
       {{"_dmarc.example.com", DnsFault::limit}},
       "temperror dns-limit none"},
      {"whether the name exists, which decides between np and sp (A193)",
       "nx.example.com",
       {},
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=none; np=reject\"",
       {{"nx.example.com", DnsFault::timeout}},
       "temperror dns-timeout reject"},
      {"the same, where both ask for the same",
       "nx.example.com",
       {},
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; sp=reject; np=reject\"",
       {{"nx.example.com", DnsFault::timeout}},
       "fail no-aligned-identifier reject"},
      {"the same, with an identifier that aligns and passed",
       "nx.example.com",
       {dkim("example.com")},
       "_dmarc.example.com. TXT \"v=DMARC1; p=reject; sp=none; np=reject\"",
       {{"nx.example.com", DnsFault::timeout}},
       "pass aligned-dkim reject"},
      {"an identical identifier does not make up for the policy",
       "example.com",
       {dkim("example.com")},
       "",
       {{"_dmarc.example.com", DnsFault::timeout}},
       "temperror dns-timeout none"},
      {"own record, no identifier: nothing is open",
       "example.com",
       {},
       kReject,
       {{"_dmarc.com", DnsFault::timeout}},
       "fail no-aligned-identifier reject"},
      {"own record, identical identifier: nothing is open",
       "example.com",
       {spf("example.com")},
       kReject,
       {{"_dmarc.com", DnsFault::timeout}},
       "pass aligned-spf reject"},
      {"own record, strict: nothing is open",
       "example.com",
       {spf("a.example.com"), dkim("a.example.com")},
       kStrict,
       {{"_dmarc.com", DnsFault::timeout}},
       "fail no-aligned-identifier reject"},
      {"own record, relaxed: the organization is open",
       "example.com",
       {spf("a.example.com")},
       kReject,
       {{"_dmarc.com", DnsFault::timeout}},
       "temperror dns-timeout reject"},
      {"the identifier's walk is open",
       "example.com",
       {spf("a.example.com")},
       kReject,
       {{"_dmarc.a.example.com", DnsFault::servfail}},
       "temperror dns-servfail reject"},
      {"a stranger's DNS opens nothing",
       "example.com",
       {spf("attack.net"), dkim("attack.com")},
       kReject,
       {{"_dmarc.attack.net", DnsFault::timeout}, {"_dmarc.attack.com", DnsFault::timeout}},
       "fail no-aligned-identifier reject"},
      {"aligned identifier with a temperror",
       "example.com",
       {dkim("example.com", kTemperror)},
       kReject,
       {},
       "temperror aligned-identifier-temperror reject"},
      {"relaxed",
       "example.com",
       {spf("a.example.com", kTemperror)},
       kReject,
       {},
       "temperror aligned-identifier-temperror reject"},
      {"strict, not aligned",
       "example.com",
       {spf("a.example.com", kTemperror)},
       kStrict,
       {},
       "fail no-aligned-identifier reject"},
      {"a stranger's temperror is nothing",
       "example.com",
       {spf("attack.net", kTemperror), dkim("attack.com", kTemperror)},
       kReject,
       {},
       "fail no-aligned-identifier reject"},
      {"a pass wins over a temperror",
       "example.com",
       {spf("example.com", kTemperror), dkim("example.com")},
       kReject,
       {},
       "pass aligned-dkim reject"},
      {"a pass wins over an open walk",
       "example.com",
       {dkim("a.example.com"), spf("example.com")},
       kReject,
       {{"_dmarc.a.example.com", DnsFault::timeout}},
       "pass aligned-spf reject"},
      {"a stranger's pass wins over nothing",
       "example.com",
       {spf("example.com", kTemperror), dkim("attack.net")},
       kReject,
       {},
       "temperror aligned-identifier-temperror reject"},
  };
  check(rows);
}

TEST_CASE("identifiers cannot multiply the queries") {
  Identifiers identifiers;
  for (int i = 0; i < 40; ++i)
    identifiers.push_back(dkim((std::to_string(i) + ".b.c.d.example.com").c_str()));
  const auto zone = make_test_resolver(
      "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
      "_dmarc.b.c.d.example.com. TXT \"v=DMARC1; p=none; psd=n\"");
  RecordingResolver resolver(*zone);
  const auto outcome = evaluate(name("example.com"), identifiers, resolver);
  CHECK(verdict(outcome) == "temperror identifier-limit reject");
  CHECK(resolver.entries().size() == 2 + 11 + 1);
  CHECK(outcome.notes.size() == 32);

  // A name is walked once, however many identifiers bear it.
  identifiers.assign(40, dkim("a.example.com", kTemperror));
  identifiers.push_back(dkim("b.example.com"));
  CHECK(verdict(evaluate(name("example.com"), identifiers, resolver)) ==
        "pass aligned-dkim reject");

  // Names that need no walk are not counted.
  identifiers.assign(40, dkim("example.net"));
  identifiers.push_back(dkim("example.com"));
  CHECK(verdict(evaluate(name("example.com"), identifiers, resolver)) ==
        "pass aligned-dkim reject");
}

TEST_CASE("a long Author Domain costs eight queries and one for its existence (A114)") {
  const auto zone = make_test_resolver("_dmarc.example.com. TXT \"v=DMARC1; p=none; np=reject\"");
  RecordingResolver resolver(*zone);
  const auto outcome = evaluate(name("a.b.c.d.e.f.g.h.i.j.mail.example.com"), {}, resolver);
  CHECK(verdict(outcome) == "fail no-aligned-identifier reject");
  CHECK(outcome.policy_tag == PolicyTag::np);
  CHECK(outcome.walk.size() == 8);
  CHECK(resolver.entries().size() == 9);
}

TEST_CASE("a used-up budget is a temperror, never a none") {
  const auto zone = make_test_resolver(kReject);
  BudgetResolver budget(*zone, 0, std::chrono::seconds(20));
  CHECK(verdict(evaluate(name("example.com"), {}, budget)) == "temperror dns-limit none");
}
