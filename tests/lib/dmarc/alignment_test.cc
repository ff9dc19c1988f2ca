#include "dmarc/alignment.h"

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

DomainName name(std::string_view text) { return DomainName::parse(text).value(); }

Alignment alignment(const char* author, const char* identifier, AlignmentMode mode,
                    Resolver& resolver) {
  DomainDiscovery discovery(resolver);
  const AuthorSide side{name(author), select_organizational_domain(discovery.walk(name(author)))};
  return align(side, name(identifier), mode, discovery);
}

constexpr auto kRelaxed = AlignmentMode::relaxed;
constexpr auto kStrict = AlignmentMode::strict;

// What is not a public suffix by a psd=y record is one by having none.
const char* const kZone =
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.victim.com. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.x.com. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.com. TXT \"v=DMARC1; p=none; psd=y\"\n"
    "_dmarc.bank.co.uk. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.co.uk. TXT \"v=DMARC1; p=none; psd=y\"\n"
    "_dmarc.eu.org. TXT \"v=DMARC1; p=reject; psd=y\"\n"
    "_dmarc.victim.github.io. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.github.io. TXT \"v=DMARC1; p=reject; psd=y\"\n"
    "_dmarc.dept.example.com. TXT \"v=DMARC1; p=reject; psd=n\"\n"
    "_dmarc.sub.alone.net. TXT \"v=DMARC1; p=reject\"\n";

}  // namespace

TEST_CASE("alignment (RFC 9989 sections 4.4, 4.10.2)") {
  const struct {
    std::string why;
    const char* author;
    const char* identifier;
    AlignmentMode mode;
    bool aligned;
  } rows[] = {
      {"identical", "example.com", "example.com", kRelaxed, true},
      {"identical, strict", "news.example.com", "news.example.com", kStrict, true},
      {"RFC table: siblings", "news.example.com", "foo.example.com", kRelaxed, true},
      {"RFC table: other domain", "news.example.com", "foo.example.net", kRelaxed, false},
      {"identifier above the author", "news.example.com", "example.com", kRelaxed, true},
      {"identifier below the author", "example.com", "a.b.example.com", kRelaxed, true},
      {"case and trailing dot (edge case 87)", "News.EXAMPLE.com", "example.COM.", kRelaxed, true},
      {"strict wants equality (A105)", "example.com", "evil.example.com", kStrict, false},
      {"strict, identifier above", "news.example.com", "example.com", kStrict, false},
      {"strict, siblings (A105)", "a.victim.com", "b.victim.com", kStrict, false},
      {"strict does not fall back to relaxed (edge case 89)", "example.com", "a.example.com",
       kStrict, false},
      {"one-letter label is a label (A104)", "victim.com", "x.com", kRelaxed, false},
      {"the other way round (A104)", "x.com", "evil.com", kRelaxed, false},
      {"one-letter label under two (A104)", "bank.co.uk", "a.co.uk", kRelaxed, false},
      {"text suffix is no domain suffix", "example.com", "fexample.com", kRelaxed, false},
      {"author is a public suffix (A106)", "eu.org", "evil.eu.org", kRelaxed, false},
      {"identical public suffix (A106)", "eu.org", "eu.org", kRelaxed, true},
      {"identifier is the top-level domain (A106)", "victim.com", "com", kRelaxed, false},
      {"identifier is the public suffix", "victim.github.io", "github.io", kRelaxed, false},
      {"siblings under a public suffix (A107)", "victim.github.io", "evil.github.io", kRelaxed,
       false},
      {"psd=n cuts a department off", "dept.example.com", "example.com", kRelaxed, false},
      {"in both directions", "example.com", "dept.example.com", kRelaxed, false},
      {"within the department", "a.dept.example.com", "b.dept.example.com", kRelaxed, true},
      {"a subdomain alone with its record is its own organization", "sub.alone.net", "alone.net",
       kRelaxed, false},
      {"what is below it is the same", "sub.alone.net", "a.sub.alone.net", kRelaxed, true},
  };
  const auto resolver = make_test_resolver(kZone);
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(alignment(row.author, row.identifier, row.mode, *resolver) ==
          (row.aligned ? Alignment::aligned : Alignment::not_aligned));
  }
}

TEST_CASE("U-labels are compared as A-labels (RFC 9989 section 5.3.1)") {
  const auto resolver =
      make_test_resolver("_dmarc.xn--bcher-kva.example. TXT \"v=DMARC1; p=reject\"");
  CHECK(alignment("b\xc3\xbc"
                  "cher.example",
                  "mail.XN--BCHER-KVA.example", kRelaxed, *resolver) == Alignment::aligned);
}

TEST_CASE("an identifier's walk is made only where it decides (RFC 9989 section 4.10.2)") {
  const struct {
    std::string why;
    const char* identifier;
    AlignmentMode mode;
    bool walk;
  } rows[] = {
      {"identical", "news.example.com", kRelaxed, false},
      {"strict", "mail.example.com", kStrict, false},
      {"the suffix rules it out", "mail.example.net", kRelaxed, false},
      {"a common top-level domain is not enough", "attack.com", kRelaxed, false},
      {"below the Organizational Domain", "mail.example.com", kRelaxed, true},
      {"the Organizational Domain", "example.com", kRelaxed, true},
  };
  const auto resolver = make_test_resolver(kZone);
  DomainDiscovery discovery(*resolver);
  const auto author = name("news.example.com");
  const AuthorSide side{author, select_organizational_domain(discovery.walk(author))};
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(needs_walk(side, name(row.identifier), row.mode) == row.walk);
  }
}

TEST_CASE("the DNS of a stranger decides nothing, that of the organization does") {
  const struct {
    std::string why;
    const char* author;
    const char* identifier;
    const char* fault;  // at this name
    Alignment alignment;
  } rows[] = {
      {"attacker's own DNS", "example.com", "attack.net", "_dmarc.attack.net",
       Alignment::not_aligned},
      {"identifier below the author", "example.com", "a.example.com", "_dmarc.a.example.com",
       Alignment::undecided},
      {"identical needs no answer", "example.com", "example.com", "_dmarc.com", Alignment::aligned},
      {"author's side open, sibling", "dept.alone.net", "mail.alone.net", "_dmarc.alone.net",
       Alignment::undecided},
      {"author's side open, other domain", "sub.alone.net", "attack.org", "_dmarc.alone.net",
       Alignment::not_aligned},
      {"author's side open, the top-level domain answers", "sub.alone.net", "attack.net",
       "_dmarc.alone.net", Alignment::not_aligned},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(kZone, {{row.fault, DnsFault::timeout}});
    CHECK(alignment(row.author, row.identifier, kRelaxed, *resolver) == row.alignment);
  }
}
