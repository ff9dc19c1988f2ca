#include "spf_fixture.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/scripted_resolver.h"

using namespace spf_test;

namespace {

std::string spf(const std::string& name, const std::string& terms) {
  return txt(name, "v=spf1 " + terms);
}

/// The zone of most tables: example.org has `terms`, and there is something to match.
std::string zone(const std::string& terms) {
  return spf("example.org", terms) +
         "example.org.       A 192.0.2.10\n"
         "example.org.       MX 10 mx1.example.org.\n"
         "example.org.       MX 20 mx2.example.org.\n"
         "mx1.example.org.   A 192.0.2.21\n"
         "mx2.example.org.   A 192.0.2.22\n"
         "mx2.example.org.   AAAA 2001:db8::22\n"
         "v6.example.org.    AAAA 2001:db8::6\n"
         "null.example.org.  MX 0 .\n"
         "alias.example.org. CNAME mx1.example.org.\n"
         "inner.example.     MX 10 mx2.example.org.\n" +
         spf("inner.example", "a:%{d} mx -all") + spf("pass.example", "+all") +
         spf("fail.example", "-all") + spf("soft.example", "~all") +
         spf("neutral.example", "?all") + spf("empty.example", "") + spf("broken.example", "foo") +
         txt("none.example", "not SPF") + txt("two.example", "v=spf1") +
         txt("two.example", "v=spf1 +all") +
         "1.2.0.192.in-addr.arpa.  PTR mail.example.org.\n"
         "1.2.0.192.in-addr.arpa.  PTR liar.example.net.\n"
         "mail.example.org.        A 192.0.2.1\n"
         "liar.example.net.        A 192.0.2.99\n"
         "notexample.org.          A 192.0.2.1\n";
}

const std::vector<ZoneFault> kFaults = {{"timeout.example", DnsFault::timeout},
                                        {"servfail.example", DnsFault::servfail},
                                        {"bogus.example", DnsFault::bogus}};

}  // namespace

TEST_CASE("mechanisms match and do not (RFC 7208 section 5)") {
  const struct {
    std::string why;
    std::string terms;
    std::string client;
    std::string result;
    std::string mechanism;
  } rows[] = {
      {"default (section 4.7)", "", "192.0.2.1", "neutral", "default"},
      {"qualifiers", "-all", "192.0.2.1", "fail", "-all"},
      {"qualifiers", "~all", "192.0.2.1", "softfail", "~all"},
      {"qualifiers", "?all", "192.0.2.1", "neutral", "?all"},
      {"A71: +all is a pass", "+all", "192.0.2.1", "pass", "+all"},
      {"first match decides", "?ip4:192.0.2.1 -ip4:192.0.2.1 +all", "192.0.2.1", "neutral",
       "?ip4:192.0.2.1"},
      {"terms after all are not seen", "-all ip4:192.0.2.1", "192.0.2.1", "fail", "-all"},
      {"as published", "IP4:192.0.2.0/24 -all", "192.0.2.1", "pass", "IP4:192.0.2.0/24"},
      {"A71: halves of the address space", "ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", "192.0.2.1",
       "pass", "ip4:128.0.0.0/1"},
      {"A70: a wide range is a pass", "ip4:192.0.0.0/16 mx -all", "192.0.2.1", "pass",
       "ip4:192.0.0.0/16"},
      {"A49: mapped client", "ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "pass", "ip4:192.0.2.1"},
      {"A48: loopback gets no free pass", "-all", "127.0.0.1", "fail", "-all"},
      {"A48: loopback gets no free pass", "-all", "127.5.5.5", "fail", "-all"},
      {"A48: loopback gets no free pass", "-all", "::1", "fail", "-all"},
      {"a", "a -all", "192.0.2.10", "pass", "a"},
      {"a", "a -all", "192.0.2.11", "fail", "-all"},
      {"a: CIDR length", "a/24 -all", "192.0.2.1", "pass", "a/24"},
      {"a: CIDR length of the other family", "a//24 -all", "192.0.2.1", "fail", "-all"},
      {"A63: a/0 matches if there is any address", "a/0 -all", "198.51.100.1", "pass", "a/0"},
      {"A63: not without one", "a:v6.example.org/0 -all", "198.51.100.1", "fail", "-all"},
      {"A63: a//0", "a:v6.example.org//0 -all", "2001:db8:1::1", "pass", "a:v6.example.org//0"},
      {"edge case 2: AAAA for an IPv6 client", "a:v6.example.org -all", "2001:db8::6", "pass",
       "a:v6.example.org"},
      {"a follows aliases", "a:alias.example.org -all", "192.0.2.21", "pass",
       "a:alias.example.org"},
      {"edge case 9: macros in a", "a:%{l1r+}.%{d} -all", "192.0.2.1", "fail", "-all"},
      {"mx, first exchange", "mx -all", "192.0.2.21", "pass", "mx"},
      {"mx, second exchange", "mx -all", "192.0.2.22", "pass", "mx"},
      {"mx, IPv6", "mx -all", "2001:db8::22", "pass", "mx"},
      {"mx, CIDR length", "mx/30 -all", "192.0.2.23", "pass", "mx/30"},
      {"mx/0", "mx/0 -all", "198.51.100.1", "pass", "mx/0"},
      {"mx has no implicit exchange (section 5.4)", "mx:mail.example.org -all", "192.0.2.1", "fail",
       "-all"},
      {"A177, edge case 17: null MX", "mx:null.example.org -all", "192.0.2.1", "fail", "-all"},
      {"edge case 18: ptr, confirmed and below", "ptr -all", "192.0.2.1", "pass", "ptr"},
      {"edge case 18: ptr, equal", "ptr:mail.example.org -all", "192.0.2.1", "pass",
       "ptr:mail.example.org"},
      {"edge case 18: ptr, not confirmed", "ptr:example.net -all", "192.0.2.1", "fail", "-all"},
      {"edge case 18: ptr, a dot stands between", "ptr:ample.org -all", "192.0.2.1", "fail",
       "-all"},
      {"ptr, no pointer", "ptr -all", "192.0.2.2", "fail", "-all"},
      {"edge case 7: exists", "exists:mail.example.org -all", "198.51.100.1", "pass",
       "exists:mail.example.org"},
      {"edge case 7: exists asks for A, whatever the client", "exists:mail.example.org -all",
       "2001:db8::1", "pass", "exists:mail.example.org"},
      {"edge case 7: exists, no data", "exists:v6.example.org -all", "2001:db8::6", "fail", "-all"},
      {"edge case 7: exists, no name", "exists:gone.example.org -all", "192.0.2.1", "fail", "-all"},
      {"include, pass", "include:pass.example -all", "192.0.2.1", "pass", "include:pass.example"},
      {"include, qualifier", "~include:pass.example -all", "192.0.2.1", "softfail",
       "~include:pass.example"},
      {"include, fail", "include:fail.example ?all", "192.0.2.1", "neutral", "?all"},
      {"include, softfail", "include:soft.example ?all", "192.0.2.1", "neutral", "?all"},
      {"include, neutral", "include:neutral.example -all", "192.0.2.1", "fail", "-all"},
      {"include, default", "include:empty.example -all", "192.0.2.1", "fail", "-all"},
      {"edge case 8: the domain inside an include", "include:inner.example -all", "192.0.2.22",
       "pass", "include:inner.example"},
      {"edge case 8: not the including one", "include:inner.example -all", "192.0.2.10", "fail",
       "-all"},
      {"redirect", "redirect=fail.example", "192.0.2.1", "fail", "-all"},
      {"A58: redirect after all mechanisms", "redirect=fail.example ip4:192.0.2.1", "192.0.2.1",
       "pass", "ip4:192.0.2.1"},
      {"A58, edge case 10: redirect not with all", "redirect=pass.example -all", "192.0.2.1",
       "fail", "-all"},
      {"redirect, macros", "redirect=%{d1r}.%{v}.example a", "192.0.2.10", "pass", "a"},
      {"redirect to a default", "redirect=empty.example", "192.0.2.1", "neutral", "default"},
      {"unknown modifiers", "x=y -all y=%{l}", "192.0.2.1", "fail", "-all"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.terms);
    const SpfOutcome outcome = check(zone(row.terms), {.client = row.client}, kFaults);
    CHECK(told(outcome) == row.result);
    CHECK(outcome.mechanism == row.mechanism);
    CHECK(outcome.domain->text() == "example.org");
    CHECK(outcome.identity == SpfIdentity::mailfrom);
    CHECK_FALSE(outcome.null_reverse_path);
  }
}

TEST_CASE("errors end the evaluation (RFC 7208 sections 2.6.6, 2.6.7 and 5)") {
  const struct {
    std::string why;
    std::string terms;
    std::string told;
  } rows[] = {
      {"A69: DNS error in a", "a:timeout.example +all", "temperror: dns-timeout"},
      {"A69: DNS error in mx", "mx:servfail.example +all", "temperror: dns-servfail"},
      {"A69: DNS error in exists", "exists:bogus.example +all", "temperror: dnssec-bogus"},
      {"A69: DNS error in include", "include:timeout.example +all", "temperror: dns-timeout"},
      {"A69: DNS error in redirect", "redirect=timeout.example", "temperror: dns-timeout"},
      {"not behind a match", "ip4:192.0.2.1 a:timeout.example -all", "pass"},
      {"edge case 11: include without a record", "include:none.example +all",
       "permerror: include-without-record (none.example)"},
      {"edge case 11: include of no name", "include:gone.example +all",
       "permerror: include-without-record (gone.example)"},
      {"include of a single label", "include:%{d1} +all",
       "permerror: include-without-record (org)"},
      {"include of a malformed name", "include:a..example +all",
       "permerror: include-without-record (invalid name)"},
      {"edge case 11: redirect without a record", "redirect=none.example",
       "permerror: redirect-without-record (none.example)"},
      {"redirect to a malformed name", "redirect=a..example",
       "permerror: redirect-without-record (invalid name)"},
      {"error inside an include", "include:broken.example +all",
       "permerror: syntax-error (unknown mechanism: foo)"},
      {"several records inside an include", "include:two.example +all",
       "permerror: multiple-records (two.example)"},
      {"error inside a redirect", "redirect=broken.example",
       "permerror: syntax-error (unknown mechanism: foo)"},
      {"edge case 10: a redirect inside an include", "include:onward.example -all",
       "permerror: redirect-without-record (none.example)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto outcome =
        check(zone(row.terms) + spf("onward.example", "redirect=none.example"), {}, kFaults);
    CHECK(told(outcome) == row.told);
    CHECK(outcome.explanation == "");
  }
}

TEST_CASE("records are selected among TXT (RFC 7208 section 4.5), A65, A72, edge cases 5, 6, 23") {
  const struct {
    std::string why;
    std::string zone;
    std::string told;
  } rows[] = {
      {"no name", "", "none: no-record"},
      {"no TXT", "example.org. A 192.0.2.1\n", "none: no-record"},
      {"no SPF record", txt("example.org", "hello"), "none: no-record"},
      {"near misses", txt("example.org", "v=spf10 +all") + txt("example.org", "v=spf1\tall"),
       "none: no-record"},
      {"others are ignored",
       txt("example.org", "\x96") + spf("example.org", "-all") + txt("example.org", ""), "fail"},
      {"two", spf("example.org", "-all") + spf("example.org", "+all"),
       "permerror: multiple-records"},
      {"two, one in upper case", spf("example.org", "-all") + txt("example.org", "V=SPF1"),
       "permerror: multiple-records"},
      {"two, alike but for their split into strings",
       spf("example.org", "-all") + "example.org. TXT \"v=spf1 \" \"-all\"\n",
       "permerror: multiple-records"},
      {"upper case", txt("example.org", "V=SPF1 -ALL"), "fail"},
      {"A72: type SPF is not asked for",
       "example.org. TYPE99 \\# 12 0b763d73706631202b616c6c\n" + spf("example.org", "-all"),
       "fail"},
      {"strings are joined without a blank",
       "example.org. TXT \"v=spf1 ip4:\" \"192.0.2.1 -all\"\n", "pass"},
      {"edge case 23: an alias", "example.org. CNAME real.example.\n" + spf("real.example", "-all"),
       "fail"},
      {"A73: an alias of itself", "example.org. CNAME example.org.\n", "temperror: dns-servfail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(check(row.zone)) == row.told);
  }
  const auto failing = check("", {}, {{"example.org", DnsFault::servfail}});
  CHECK(told(failing) == "temperror: dns-servfail");
  CHECK(failing.domain->text() == "example.org");
}

TEST_CASE("A66, A189: names are asked for octet by octet, or not at all") {
  const std::string zone = spf("example.org", "exists:%{l}.x.example -all") +
                           "a\\\\092b.x.example. A 192.0.2.1\n" + "user.x.example. A 192.0.2.1\n";
  const struct {
    std::string why;
    std::string local_part;
    std::string asked;  // empty: no lookup beyond the record
    std::string result;
  } rows[] = {
      {"plain", "user", "A user.x.example", "pass"},
      {"empty labels", "a..b/../%{d} x", "", "fail"},
      {"percent is not expanded again", "%{d}", "A %{d}.x.example", "fail"},
      {"a quoted pair is one octet", "\"a\\.b\"", "A a.b.x.example", "fail"},
      {"no label is longer than 63", std::string(64, 'a'), "", "fail"},
      {"beyond ASCII (RFC 8616 section 4)", "\xc3\xbc", "", "fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto inner = make_test_resolver(zone);
    RecordingResolver resolver(*inner);
    const auto outcome = check(resolver, {.mail_from = row.local_part + "@example.org"});
    CHECK(told(outcome) == row.result);
    std::vector<std::string> want = {"TXT example.org"};
    if (!row.asked.empty()) want.push_back(row.asked);
    CHECK(questions(resolver) == want);
  }
}

TEST_CASE("RFC 8616 section 4: terms with %{l} or %{s} do not match a local part beyond ASCII") {
  const Query query{.mail_from = "\xc3\xbc@example.org"};
  const std::string target = "*.x.example. A 192.0.2.1\nx.example. A 192.0.2.1\n";
  const struct {
    std::string terms;
    std::string told;
  } rows[] = {
      {"exists:%{L}.x.example -all", "fail"},
      {"exists:%{S}.x.example -all", "fail"},
      {"exists:%{o}.x.example -all", "pass"},
      {"include:%{L}.x.example +all", "permerror: include-without-record (invalid name)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.terms);
    CHECK(told(check(spf("example.org", row.terms) + target, query)) == row.told);
  }
}

TEST_CASE("edge case 19: %{p} is a confirmed name or unknown (RFC 7208 section 7.3)") {
  const struct {
    std::string why;
    std::string pointers;
    std::string name;
  } rows[] = {
      {"none", "", "unknown"},
      {"not confirmed", "1.2.0.192.in-addr.arpa. PTR a.example.org.\n", "unknown"},
      {"any confirmed", "1.2.0.192.in-addr.arpa. PTR x.example.net.\nx.example.net. A 192.0.2.1\n",
       "x.example.net"},
      {"below the domain before any",
       "1.2.0.192.in-addr.arpa. PTR x.example.net.\nx.example.net. A 192.0.2.1\n"
       "1.2.0.192.in-addr.arpa. PTR a.example.org.\na.example.org. A 192.0.2.1\n",
       "a.example.org"},
      {"the domain before all",
       "1.2.0.192.in-addr.arpa. PTR a.example.org.\na.example.org. A 192.0.2.1\n"
       "1.2.0.192.in-addr.arpa. PTR example.org.\nexample.org. A 192.0.2.1\n",
       "example.org"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto outcome = check(spf("example.org", "exists:%{p}.p.test -all") + row.pointers +
                               row.name + ".p.test. A 127.0.0.2\n");
    CHECK(told(outcome) == "pass");
    CHECK(outcome.lookups == 1);
    CHECK(outcome.void_lookups == 0);
  }
  CHECK(told(check(spf("example.org", "exists:%{p}.p.test -all") + "unknown.p.test. A 127.0.0.2\n",
                   {}, {{"1.2.0.192.in-addr.arpa", DnsFault::timeout}})) == "pass");
}

TEST_CASE("edge case 28: one evaluation says nothing of the next") {
  // Each record depends on the client, its name or the sender; the resolver, with what it
  // remembers, is the same.
  const char* const world =
      "192.0.2.1.i.test. A 127.0.0.2\nme.example.org. A 192.0.2.1\n"
      "1.2.0.192.in-addr.arpa. PTR me.example.org.\nme.example.org.p.test. A 127.0.0.2\n"
      "user.l.test. A 127.0.0.2\nmail.example.org.h.test. A 127.0.0.2\n";
  const Query matching;
  const struct {
    std::string terms;
    Query other;
  } rows[] = {
      {"exists:%{i}.i.test -all", {.client = "192.0.2.2"}},
      {"ptr -all", {.client = "192.0.2.2"}},
      {"exists:%{p}.p.test -all", {.client = "192.0.2.2"}},
      {"exists:%{l}.l.test -all", {.mail_from = "other@example.org"}},
      {"exists:%{h}.h.test -all", {.helo = "other.example.org"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.terms);
    const auto resolver = make_test_resolver(spf("example.org", row.terms) + world);
    for (int i = 0; i < 2; ++i) {
      CHECK(told(check(*resolver, matching)) == "pass");
      CHECK(told(check(*resolver, row.other)) == "fail");
    }
  }
}

TEST_CASE("a HELO with a dot at its end is one name in macros (RFC 7208 section 7.2)") {
  const std::string world = spf("mail.example.org.spf.example", "ip4:192.0.2.1 -all") +
                            spf("example.org", "include:%{h}.spf.example -all") +
                            spf("example.net", "include:%{hr}.spf.example -all") +
                            spf("org.example.mail.spf.example", "ip4:192.0.2.1 -all");
  for (const char* helo : {"mail.example.org", "mail.example.org."}) {
    CAPTURE(helo);
    CHECK(told(check(world, {.helo = helo})) == "pass");
    CHECK(told(check(world, {.mail_from = "a@example.net", .helo = helo})) == "pass");
  }
}

TEST_CASE("blanks and line ends at the end of a record mean nothing (RFC 7208 section 4.5)") {
  for (const char* end : {"", " ", "\t", "\n", " \r\n"}) {
    const std::string text = std::string("v=spf1 ip4:192.0.2.1 -all") + end;
    CAPTURE(text);
    CHECK(told(check(txt("example.org", text))) == "pass");
    CHECK(told(check(txt("example.org", text), {.client = "192.0.2.2"})) == "fail");
  }
}

TEST_CASE("steps tell what was tried, in order") {
  const auto outcome = check(
      zone("ip4:198.51.100.0/24 include:inner.example a:v6.example.org redirect=soft.example"));
  const struct {
    std::string domain, term, outcome;
  } want[] = {
      {"example.org", "ip4:198.51.100.0/24", "no match"},
      {"example.org", "include:inner.example", "no match"},
      {"inner.example", "a:%{d}", "no match"},
      {"inner.example", "mx", "no match"},
      {"inner.example", "-all", "match"},
      {"example.org", "a:v6.example.org", "no match"},
      {"example.org", "redirect=soft.example", "followed"},
      {"soft.example", "~all", "match"},
  };
  REQUIRE(outcome.steps.size() == std::size(want));
  for (std::size_t i = 0; i < std::size(want); ++i) {
    CAPTURE(i);
    CHECK(outcome.steps[i].domain == want[i].domain);
    CHECK(outcome.steps[i].term == want[i].term);
    CHECK(outcome.steps[i].outcome == want[i].outcome);
  }
  CHECK(outcome.mechanism == "~all");
  CHECK(outcome.lookups == 5);

  const auto failed = check(spf("example.org", "include:a.test -all") +
                                spf("a.test", "ip4:198.51.100.1 a:timeout.example -all"),
                            {}, kFaults);
  REQUIRE(failed.steps.size() == 3);
  CHECK(failed.steps[0].outcome == "temperror");
  CHECK(failed.steps[1].outcome == "no match");
  CHECK(failed.steps[2].outcome == "dns error");
  CHECK(failed.mechanism == "");

  const auto backslash = check(spf("example.org", "exists:a\\b.example -all"));
  CHECK(backslash.steps.at(0).term == "exists:a\\x5cb.example");
}

TEST_CASE("what a resolver throws comes out after the library has been left") {
  for (const int texts : {0, 1, 2}) {
    int left = texts;
    ScriptedResolver resolver("", [&](const DnsQuestion& question, Deadline) {
      if (question.type != RrType::txt || left-- == 0) throw std::runtime_error("bug");
      return ScriptedResolver::record(TxtRecord{"v=spf1 include:a.example a -all"});
    });
    CHECK_THROWS_AS(check(resolver), std::runtime_error);
  }
}

TEST_CASE("evaluations run beside each other") {
  const auto resolver = make_test_resolver(zone("include:fail.example mx -all"));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong) {
    threads.emplace_back([&resolver, &count] {
      for (int i = 0; i < 50; ++i)
        if (check(*resolver, {.client = "192.0.2.22"}).result != SpfResult::pass) ++count;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}
