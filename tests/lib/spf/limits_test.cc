#include "spf_fixture.h"

#include <authmilter/budget_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "support/scripted_resolver.h"

using namespace spf_test;

namespace {

std::string spf(const std::string& name, const std::string& terms) {
  return txt(name, "v=spf1 " + terms);
}

/// "a:h.example a:h.example ..."
std::string lookups(int count) {
  std::string terms;
  for (int i = 0; i < count; ++i) terms += "a:h.example ";
  return terms;
}

constexpr const char* kHost = "h.example. A 192.0.2.200\n";

}  // namespace

TEST_CASE("A60: ten terms may look up (RFC 7208 section 4.6.4)") {
  const struct {
    std::string why;
    std::string zone;
    std::string told;
    unsigned lookups;
  } rows[] = {
      {"ten", spf("example.org", lookups(10) + "-all"), "fail", 10},
      {"eleven", spf("example.org", lookups(11) + "-all"), "permerror: too-many-lookups", 10},
      {"the eleventh would match",
       spf("example.org", lookups(10) + "a:me.example -all") + "me.example. A 192.0.2.1\n",
       "permerror: too-many-lookups", 10},
      {"twelve", spf("example.org", lookups(12) + "-all"), "permerror: too-many-lookups", 10},
      {"those behind a match do not count",
       spf("example.org", lookups(10) + "ip4:192.0.2.1 " + lookups(10)), "pass", 10},
      {"include and what is in it",
       spf("example.org", "a:h.example include:in.example -all") + spf("in.example", lookups(8)),
       "fail", 10},
      {"include and too much in it",
       spf("example.org", "a:h.example include:in.example -all") + spf("in.example", lookups(9)),
       "permerror: too-many-lookups", 10},
      {"what comes after the include",
       spf("example.org", "include:in.example include:in.example a:h.example -all") +
           spf("in.example", lookups(4)),
       "permerror: too-many-lookups", 10},
      {"redirect is one",
       spf("example.org", lookups(9) + "redirect=in.example") + spf("in.example", "-all"), "fail",
       10},
      {"redirect is one too many",
       spf("example.org", lookups(10) + "redirect=in.example") + spf("in.example", "-all"),
       "permerror: too-many-lookups", 10},
      {"modifiers, ip4, ip6 and all are none",
       spf("example.org", "ip4:198.51.100.1 ip6:2001:db8::1 x=y exp=e.example -all"), "fail", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto outcome = check(row.zone + kHost);
    CHECK(told(outcome) == row.told);
    CHECK(outcome.lookups == row.lookups);
  }
}

TEST_CASE("the number of terms is configurable as far as libspf2 carries") {
  const std::string zone = spf("example.org", lookups(25) + "-all") + kHost;
  SpfLimits limits;
  limits.lookup_terms = 3;
  CHECK(check(zone, {.limits = limits}).lookups == 3);
  CHECK(told(check(zone, {.limits = limits})) == "permerror: too-many-lookups");
  limits.lookup_terms = 1000;
  CHECK(check(zone, {.limits = limits}).lookups == 20);
  CHECK(told(check(zone, {.limits = limits})) == "permerror: too-many-lookups");
  limits.lookup_terms = 20;
  CHECK(told(check(spf("example.org", repeat(20, "mx:h.example/24 ") + "-all") +
                       "h.example. MX 10 x.example.\nx.example. A 198.51.100.1\n",
                   {.limits = limits})) == "fail");
}

TEST_CASE("A56: an include bomb is defused by the tenth lookup") {
  std::string zone;
  for (int level = 0; level < 20; ++level) {
    std::string terms;
    for (int i = 0; i < 10; ++i) terms += "include:l" + std::to_string(level + 1) + ".example ";
    zone += spf("l" + std::to_string(level) + ".example", terms + "exp=e.example -all");
  }
  zone += spf("l20.example", "-all");
  const auto inner = make_test_resolver(zone);
  RecordingResolver resolver(*inner);
  const auto outcome = check(resolver, {.mail_from = "user@l0.example"});
  CHECK(told(outcome) == "permerror: too-many-lookups");
  CHECK(resolver.entries().size() == 11);
}

TEST_CASE("A59: loops end") {
  const struct {
    std::string why;
    std::string zone;
  } rows[] = {
      {"redirect to itself", spf("example.org", "redirect=example.org")},
      {"include of itself", spf("example.org", "include:example.org -all")},
      {"two redirects",
       spf("example.org", "redirect=b.example") + spf("b.example", "redirect=example.org")},
      {"a ring of three", spf("example.org", "include:b.example -all") +
                              spf("b.example", "include:c.example -all") +
                              spf("c.example", "include:example.org -all")},
      {"A167: a name that grows",
       spf("example.org", "redirect=%{d}.%{d}.example.org") +
           "*.example.org. TXT \"v=spf1 redirect=%{d}.%{d}.%{d}.%{d}\"\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto inner = make_test_resolver(row.zone);
    RecordingResolver resolver(*inner);
    const auto outcome = check(resolver);
    CHECK(told(outcome) == "permerror: too-many-lookups");
    CHECK(outcome.lookups == 10);
    for (const auto& entry : resolver.entries()) CHECK(entry.question.name.text().size() <= 253);
  }
}

TEST_CASE("A57, edge case 1: two lookups may be void (RFC 7208 section 4.6.4)") {
  const struct {
    std::string why;
    std::string zone;
    std::string client;
    std::string told;
    unsigned void_lookups;
  } rows[] = {
      {"two", spf("example.org", "a:v1.example a:v2.example -all"), "192.0.2.1", "fail", 2},
      {"three", spf("example.org", "a:v1.example a:v2.example a:v3.example ?all"), "192.0.2.1",
       "permerror: too-many-void-lookups", 3},
      {"the third is the last term", spf("example.org", "a:v1.example a:v2.example a:v3.example"),
       "192.0.2.1", "permerror: too-many-void-lookups", 3},
      {"across an include",
       spf("example.org", "a:v1.example include:in.example a:v3.example -all") +
           spf("in.example", "exists:v2.example -all"),
       "192.0.2.1", "permerror: too-many-void-lookups", 3},
      {"across a redirect",
       spf("example.org", "a:v1.example mx:v2.example redirect=in.example") +
           spf("in.example", "a:v3.example -all"),
       "192.0.2.1", "permerror: too-many-void-lookups", 3},
      {"NODATA counts like NXDOMAIN",
       spf("example.org", "a:t.example mx:t.example exists:t.example -all") + txt("t.example", "x"),
       "192.0.2.1", "permerror: too-many-void-lookups", 3},
      {"ptr without a pointer counts", spf("example.org", "ptr a:v1.example a:v2.example -all"),
       "192.0.2.1", "permerror: too-many-void-lookups", 3},
      {"edge case 2: a host of the other family exists",
       spf("example.org", "a:h.example a:h.example a:h.example -all"), "2001:db8::1", "fail", 0},
      {"edge case 2: and the other way round",
       spf("example.org", "a:w.example a:w.example a:w.example -all") +
           "w.example. AAAA 2001:db8::9\n",
       "192.0.2.1", "fail", 0},
      {"edge case 4: a term counts once, however many exchanges are gone",
       spf("example.org", "mx -all") +
           "example.org. MX 1 v1.example.\n"
           "example.org. MX 2 v2.example.\nexample.org. MX 3 v3.example.\n",
       "192.0.2.1", "fail", 1},
      {"A177: the null MX is no void lookup",
       spf("example.org", "mx a:v1.example a:v2.example -all") + "example.org. MX 0 .\n",
       "192.0.2.1", "fail", 2},
      {"a name that cannot be asked for is not asked for",
       spf("example.org", "a:a..example a:a..example a:a..example -all"), "192.0.2.1", "fail", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto outcome = check(row.zone + kHost, {.client = row.client});
    CHECK(told(outcome) == row.told);
    CHECK(outcome.void_lookups == row.void_lookups);
  }
}

TEST_CASE("A61, edge case 3: MX and PTR records have limits (RFC 7208 section 4.6.4)") {
  const auto exchanges = [](int count) {
    std::string zone = spf("example.org", "mx -all");
    for (int i = 1; i <= count; ++i) {
      const std::string n = std::to_string(i);
      zone += "example.org. MX " + n + " mx" + n + ".example.org.\n";
      zone += "mx" + n + ".example.org. A 192.0.2." + n + "\n";
    }
    return zone;
  };
  CHECK(told(check(exchanges(9), {.client = "192.0.2.9"})) == "pass");
  CHECK(told(check(exchanges(10), {.client = "192.0.2.10"})) == "pass");
  CHECK(told(check(exchanges(10), {.client = "192.0.2.99"})) == "fail");
  CHECK(check(exchanges(10), {.client = "192.0.2.99"}).lookups == 1);
  // Even if one of the first ten would match.
  CHECK(told(check(exchanges(11), {.client = "192.0.2.1"})) ==
        "permerror: too-many-mx (example.org)");

  const auto pointers = [](int before) {
    std::string zone = spf("example.org", "ptr -all");
    for (int i = 1; i <= before; ++i)
      zone += "1.2.0.192.in-addr.arpa. PTR x" + std::to_string(i) + ".example.org.\n";
    return zone + "1.2.0.192.in-addr.arpa. PTR me.example.org.\nme.example.org. A 192.0.2.1\n";
  };
  CHECK(told(check(pointers(8))) == "pass");
  CHECK(told(check(pointers(9))) == "pass");
  CHECK(told(check(pointers(10))) == "fail");
  CHECK(told(check(pointers(11))) == "fail");
}

TEST_CASE("A242: the names behind %{p} have the limit of ptr (RFC 7208 section 4.6.4)") {
  const auto pointers = [](int before) {
    std::string zone = spf("example.org", "exists:%{p}.ok.example.org -all") +
                       "me.other.example.ok.example.org. A 127.0.0.2\n";
    for (int i = 1; i <= before; ++i)
      zone += "1.2.0.192.in-addr.arpa. PTR x" + std::to_string(i) + ".other.example.\n";
    return zone + "1.2.0.192.in-addr.arpa. PTR me.other.example.\nme.other.example. A 192.0.2.1\n";
  };
  CHECK(told(check(pointers(8))) == "pass");
  CHECK(told(check(pointers(9))) == "pass");
  CHECK(told(check(pointers(10))) == "fail");
}

TEST_CASE("edge case 18: errors of ptr lookups are no match (RFC 7208 section 5.5)") {
  const std::string zone = spf("example.org", "ptr -all") +
                           "1.2.0.192.in-addr.arpa. PTR bad.example.org.\n"
                           "1.2.0.192.in-addr.arpa. PTR me.example.org.\n"
                           "me.example.org. A 192.0.2.1\n";
  CHECK(told(check(zone, {}, {{"bad.example.org", DnsFault::timeout}})) == "pass");
  CHECK(told(check(spf("example.org", "ptr -all"), {},
                   {{"1.2.0.192.in-addr.arpa", DnsFault::timeout}})) == "fail");
}

TEST_CASE("A62: huge records") {
  const auto record = [](std::size_t terms) {
    return spf("example.org", repeat(terms, "ip4:198.51.100.1 ") + "-all");
  };
  CHECK(told(check(record(254))) == "fail");
  CHECK(told(check(record(255))) == "permerror: too-many-terms");
  CHECK(told(check(record(600))) == "permerror: record-too-long");
  CHECK(told(check(spf("example.org", "a:" + std::string(511, 'x')))) ==
        "permerror: term-too-long");
  CHECK(told(check(txt("example.org", std::string("v=spf1 +all\0 -all", 17))))
            .starts_with("permerror: syntax-error"));
}

TEST_CASE("A166: no term of a long record is lost") {
  std::string flat;
  for (int i = 1; i <= 63; ++i) flat += "ip4:10.1." + std::to_string(i) + ".1 ";
  std::string six;
  for (int i = 1; i <= 30; ++i) six += "ip6:2001:db8:" + std::to_string(i) + "::/48 ";
  std::string includes;
  std::string included;
  for (int i = 1; i <= 9; ++i) {
    const std::string name =
        "this-is-a-rather-long-include-name-" + std::to_string(i) + ".spf.example.com";
    includes += "include:" + name + " ";
    included += spf(name, "ip4:10.2." + std::to_string(i) + ".1 -all");
  }
  const struct {
    std::string why;
    std::string zone;
    std::string client;
    std::string told;
  } rows[] = {
      {"64 ip4, none matches", spf("example.org", flat + "ip4:192.0.2.9 -all"), "192.0.2.1",
       "fail"},
      {"64 ip4, the last matches", spf("example.org", flat + "ip4:192.0.2.9 -all"), "192.0.2.9",
       "pass"},
      {"30 ip6", spf("example.org", six + "-all"), "192.0.2.1", "fail"},
      {"30 ip6, the last matches", spf("example.org", six + "-all"), "2001:db8:30::1", "pass"},
      {"nine includes", spf("example.org", includes + "-all") + included, "192.0.2.1", "fail"},
      {"nine includes, the last matches", spf("example.org", includes + "-all") + included,
       "10.2.9.1", "pass"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(check(row.zone, {.client = row.client})) == row.told);
  }
}

TEST_CASE("A68, edge case 27: an evaluation ends at its deadline (RFC 7208 section 4.6.4)") {
  ScriptedResolver resolver(spf("example.org", "a:h.example -all") + kHost);
  const auto start = std::chrono::steady_clock::now();
  CHECK(told(check(resolver)) == "fail");
  REQUIRE(resolver.asked().size() == 2);
  CHECK(resolver.asked()[0].deadline == resolver.asked()[1].deadline);
  CHECK(resolver.asked()[0].deadline >= start + std::chrono::seconds(20));
  CHECK(resolver.asked()[0].deadline <=
        std::chrono::steady_clock::now() + std::chrono::seconds(20));

  SpfLimits limits;
  limits.time = std::chrono::seconds(0);
  CHECK(told(check(resolver, {.limits = limits})) == "temperror: dns-timeout");
  CHECK(resolver.asked().size() == 2);
}

TEST_CASE("the client's own names have a part of the time only (A201)") {
  ScriptedResolver resolver(spf("example.org", "ptr:c.example a:h.example -all") + kHost +
                            "1.2.0.192.in-addr.arpa. PTR c.example.\n");
  const auto start = std::chrono::steady_clock::now();
  check(resolver);
  std::vector<Deadline> of_client;
  std::vector<Deadline> of_record;
  for (const auto& [question, deadline, freshness] : resolver.asked()) {
    const bool client = question.type == RrType::ptr || question.name.text() == "c.example";
    (client ? of_client : of_record).push_back(deadline);
  }
  REQUIRE(of_client.size() == 2);
  CHECK(of_client[0] == of_client[1]);
  CHECK(of_client[0] <= start + std::chrono::seconds(15));
  REQUIRE(of_record.size() == 2);
  CHECK(of_record[0] >= start + std::chrono::seconds(20));
}

TEST_CASE("a message's used-up budget is a temperror") {
  const auto zone = make_test_resolver(spf("example.org", "a:h.example -all") + kHost);
  BudgetResolver budget(*zone, 1, std::chrono::seconds(25));
  CHECK(told(check(budget)) == "temperror: dns-limit");
}
