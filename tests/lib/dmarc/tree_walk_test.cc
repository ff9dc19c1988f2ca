#include "dmarc/tree_walk.h"

#include <authmilter/dmarc.h>
#include <authmilter/recording_resolver.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/scripted_resolver.h"

using namespace authmilter;

namespace {

DomainName name(std::string_view text) { return DomainName::parse(text).value(); }

using Lines = std::vector<std::string>;

/// A walk as an operator would see it: "example.org: record".
Lines steps(const TreeWalk& walk) {
  Lines lines;
  for (const WalkNode* node : walk.nodes) lines.push_back(node->name.text() + ": " + node->outcome);
  return lines;
}

Lines asked(const RecordingResolver& resolver) {
  Lines lines;
  for (const auto& entry : resolver.entries()) lines.push_back(entry.question.name.text());
  return lines;
}

}  // namespace

TEST_CASE("the names of a walk (RFC 9989 section 4.10)") {
  const struct {
    std::string why;
    const char* start;
    Lines names;
  } rows[] = {
      {"a single label is asked itself", "com", {"com"}},
      {"the top-level domain is asked", "example.com", {"example.com", "com"}},
      {"seven labels lose one each time",
       "a.b.c.d.e.example.com",
       {"a.b.c.d.e.example.com", "b.c.d.e.example.com", "c.d.e.example.com", "d.e.example.com",
        "e.example.com", "example.com", "com"}},
      {"eight labels are eight queries",
       "a.b.c.d.e.f.example.com",
       {"a.b.c.d.e.f.example.com", "b.c.d.e.f.example.com", "c.d.e.f.example.com",
        "d.e.f.example.com", "e.f.example.com", "f.example.com", "example.com", "com"}},
      {"nine labels are cut to seven",
       "mail.a.b.c.d.e.f.example.com",
       {"mail.a.b.c.d.e.f.example.com", "b.c.d.e.f.example.com", "c.d.e.f.example.com",
        "d.e.f.example.com", "e.f.example.com", "f.example.com", "example.com", "com"}},
      {"the RFC's own example",
       "a.b.c.d.e.f.g.h.i.j.mail.example.com",
       {"a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com", "mail.example.com",
        "example.com", "com"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Lines names;
    for (const DomainName& walked : walk_names(name(row.start))) names.push_back(walked.text());
    CHECK(names == row.names);
  }
}

TEST_CASE("120 labels are eight queries (A114; RFC 9989 section 4.10)") {
  std::string start = "example";
  for (int i = 0; i < 119; ++i) start = "a." + start;
  CHECK(name(start).label_count() == 120);
  CHECK(walk_names(name(start)).size() == kWalkQueries);
}

TEST_CASE("the RFC's own example asks the DNS exactly this (RFC 9989 section 4.10)") {
  const auto zone = make_test_resolver("");
  RecordingResolver resolver(*zone);
  DomainDiscovery(resolver).walk(name("a.b.c.d.e.f.g.h.i.j.mail.example.com"));
  CHECK(asked(resolver) == Lines{"_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
                                 "_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com",
                                 "_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com",
                                 "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"});
}

TEST_CASE("a walk stops at psd=y and psd=n and nowhere else (RFC 9989 section 4.10)") {
  const struct {
    std::string why;
    const char* zone;
    Lines steps;
  } rows[] = {
      {"nothing published",
       "",
       {"a.example.com: no record", "example.com: no record", "com: no record"}},
      {"a name that exists without TXT is the same",
       "x._dmarc.a.example.com. A 192.0.2.1",
       {"a.example.com: no record", "example.com: no record", "com: no record"}},
      {"a record without psd is found and passed by",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none\"",
       {"a.example.com: record", "example.com: no record", "com: no record"}},
      {"psd=u too",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=u\"",
       {"a.example.com: record", "example.com: no record", "com: no record"}},
      {"a bad psd is psd=u",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=no\"",
       {"a.example.com: record", "example.com: no record", "com: no record"}},
      {"psd=n on the way",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=n\"",
       {"a.example.com: no record", "example.com: record psd=n"}},
      {"psd=y on the way",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=y\"",
       {"a.example.com: no record", "example.com: record psd=y"}},
      {"psd=n at the start",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=n\"",
       {"a.example.com: record psd=n"}},
      {"psd=y at the start",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=y\"",
       {"a.example.com: record psd=y"}},
      {"psd=y at the top-level domain",
       "_dmarc.com. TXT \"v=DMARC1; p=none; psd=y\"",
       {"a.example.com: no record", "example.com: no record", "com: record psd=y"}},
      {"several records are none, and do not end the walk (A112)",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=reject; psd=n\"\n"
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       {"a.example.com: several records, all discarded", "example.com: record", "com: no record"}},
      {"other texts do not count as records (A180)",
       "_dmarc.a.example.com. TXT \"v=spf1 -all\"\n"
       "_dmarc.a.example.com. TXT \"v=dmarc1; p=none\"\n"
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=n\"",
       {"a.example.com: record psd=n"}},
      {"a wildcard for SPF is no record (A180, edge case 88)",
       "*.example.com. TXT \"v=spf1 -all\"",
       {"a.example.com: no record", "example.com: no record", "com: no record"}},
      {"a CNAME is the resolver's business (A180)",
       "_dmarc.a.example.com. CNAME d.example.net.\n"
       "d.example.net. TXT \"v=DMARC1; p=none; psd=n\"",
       {"a.example.com: record psd=n"}},
      {"strings are joined without a separator (section 4.7, edge case 88)",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=no\" \"ne; ps\" \"d=n\"",
       {"a.example.com: record psd=n"}},
      {"a tag that stands twice hides the record (A110)",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; p=reject; psd=n\"",
       {"a.example.com: record ignored: tag \"p\" occurs twice", "example.com: no record",
        "com: no record"}},
      {"yet it makes two of two",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; p=reject\"\n"
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=n\"",
       {"a.example.com: several records, all discarded", "example.com: no record",
        "com: no record"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone);
    CHECK(steps(DomainDiscovery(*resolver).walk(name("a.example.com"))) == row.steps);
  }
}

TEST_CASE("one record among 64 texts is the record (A180)") {
  std::string zone = "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=n\"\n";
  for (int i = 0; i < 63; ++i) zone += "_dmarc.a.example.com. TXT \"" + std::to_string(i) + "\"\n";
  const auto resolver = make_test_resolver(zone);
  CHECK(steps(DomainDiscovery(*resolver).walk(name("a.example.com"))) ==
        Lines{"a.example.com: record psd=n"});
}

TEST_CASE("an unanswered query makes its name unknown (RFC 9989 section 5.3.6)") {
  const struct {
    std::string why;
    const char* zone;
    std::vector<ZoneFault> faults;
    Lines steps;
  } rows[] = {
      {"at the start nothing more is asked",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       {{"_dmarc.a.example.com", DnsFault::timeout}},
       {"a.example.com: dns error (timeout)", "example.com: not asked", "com: not asked"}},
      {"nor without a record at the start",
       "_dmarc.com. TXT \"v=DMARC1; p=none; psd=y\"",
       {{"_dmarc.example.com", DnsFault::bogus}},
       {"a.example.com: no record", "example.com: dns error (bogus)", "com: not asked"}},
      {"with one, the rest may still settle something",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none\"",
       {{"_dmarc.example.com", DnsFault::servfail}},
       {"a.example.com: record", "example.com: dns error (servfail)", "com: no record"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone, row.faults);
    DomainDiscovery discovery(*resolver);
    const TreeWalk walk = discovery.walk(name("a.example.com"));
    CHECK(steps(walk) == row.steps);
    REQUIRE(walk.first_unknown() != nullptr);
    CHECK(walk.first_unknown()->failed->fault == row.faults.front().fault);
  }
}

TEST_CASE("walks of one message share their answers") {
  const auto zone = make_test_resolver("_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
                                       {{"_dmarc.x.example.com", DnsFault::timeout}});
  RecordingResolver resolver(*zone);
  DomainDiscovery discovery(resolver);
  discovery.walk(name("a.example.com"));
  CHECK(resolver.entries().size() == 3);
  discovery.walk(name("b.example.com"));
  CHECK(resolver.entries().size() == 4);
  discovery.walk(name("x.example.com"));
  discovery.walk(name("x.example.com"));
  CHECK(resolver.entries().size() == 5);
}

TEST_CASE("a name that was left out is asked when another walk wants it") {
  const auto resolver = make_test_resolver("_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=n\"",
                                           {{"_dmarc.a.example.com", DnsFault::timeout}});
  DomainDiscovery discovery(*resolver);
  discovery.walk(name("a.example.com"));
  CHECK(steps(discovery.walk(name("b.example.com"))) ==
        Lines{"b.example.com: no record", "example.com: record psd=n"});
}

TEST_CASE("a name without room for the prefix holds no record") {
  std::string start = "example.com";
  for (int i = 0; i < 4; ++i) start = std::string(58, 'a') + "." + start;
  start = "a." + start;
  REQUIRE(start.size() == 249);
  CHECK_FALSE(policy_record_name(name(start)).has_value());
  const auto resolver = make_test_resolver("_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=n\"");
  DomainDiscovery discovery(*resolver);
  const auto lines = steps(discovery.walk(name(start)));
  CHECK(lines.front() == start + ": no record: the name is too long");
  CHECK(lines.back() == "example.com: record psd=n");
}

TEST_CASE("prefetching starts every query of the walk and waits for none") {
  ScriptedResolver resolver("");
  prefetch_dmarc(name("a.example.com"), resolver);
  CHECK(resolver.asked().empty());
  CHECK(resolver.prefetched_names() ==
        Lines{"_dmarc.a.example.com", "_dmarc.example.com", "_dmarc.com"});
  for (const DnsQuestion& question : resolver.prefetched()) CHECK(question.type == RrType::txt);
}

TEST_CASE("a record is read once for as long as its answer lives, and what is wrong with it too") {
  const struct {
    std::string why;
    std::string zone;
    std::string outcome;
    bool has_record;
  } rows[] = {
      {"a record", "_dmarc.example.com TXT \"v=DMARC1; p=reject; rua=mailto:a@example.com\"\n",
       "record", true},
      {"two",
       "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n",
       "several records, all discarded", false},
      {"another kind of record", "_dmarc.example.com TXT \"v=spf1 -all\"\n", "no record", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone);
    const auto answer = resolver->resolve({name("_dmarc.example.com"), RrType::txt});
    DomainDiscovery first(*resolver);
    DomainDiscovery second(*resolver);
    const WalkNode& one = *first.walk(name("example.com")).nodes.front();
    const WalkNode& two = *second.walk(name("example.com")).nodes.front();
    CHECK(one.outcome == row.outcome);
    CHECK((one.record != nullptr) == row.has_record);
    CHECK(one.record == two.record);
    CHECK(answer->forms.find<PublishedPolicy>() != nullptr);
  }
}
