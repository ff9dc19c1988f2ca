#include "dmarc/organizational_domain.h"

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

DomainName name(std::string_view text) { return DomainName::parse(text).value(); }

/// The candidates, with one blank between them.
std::string organizational_domain(const char* start, const char* zone,
                                  const std::vector<ZoneFault>& faults = {}) {
  const auto resolver = make_test_resolver(zone, faults);
  DomainDiscovery discovery(*resolver);
  const auto selected = select_organizational_domain(discovery.walk(name(start)));
  std::string text;
  for (const auto& candidate : selected.candidates())
    text += (text.empty() ? "" : " ") + candidate.text();
  return text;
}

}  // namespace

TEST_CASE("the Organizational Domain of a name (RFC 9989 section 4.10.2)") {
  const struct {
    std::string why;
    const char* start;
    const char* zone;
    const char* organizational_domain;
  } rows[] = {
      {"no record anywhere: the start itself", "a.mail.example.com", "", "a.mail.example.com"},
      {"the RFC's first example: fewest labels", "a.mail.example.com",
       "_dmarc.mail.example.com. TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       "example.com"},
      {"the RFC's second example: psd=n", "a.mail.example.com",
       "_dmarc.mail.example.com. TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       "mail.example.com"},
      {"the RFC's third example: psd=y at the top", "a.mail.example.com",
       "_dmarc.com. TXT \"v=DMARC1; p=none; psd=y\"", "example.com"},
      {"one below psd=y, over a record further down", "a.mail.example.com",
       "_dmarc.a.mail.example.com. TXT \"v=DMARC1; p=none\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=y\"",
       "mail.example.com"},
      {"psd=n at the start", "example.com", "_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=n\"",
       "example.com"},
      {"psd=y at the start is not rule 2", "example.com",
       "_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=y\"", "example.com"},
      {"psd=y at the start ends the walk, so nothing above counts", "a.example.com",
       "_dmarc.a.example.com. TXT \"v=DMARC1; p=none; psd=y\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       "a.example.com"},
      {"psd=n wins over psd=y above it", "a.example.co.uk",
       "_dmarc.a.example.co.uk. TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.co.uk. TXT \"v=DMARC1; p=none; psd=y\"",
       "a.example.co.uk"},
      {"psd=y of two labels", "a.example.co.uk", "_dmarc.co.uk. TXT \"v=DMARC1; p=none; psd=y\"",
       "example.co.uk"},
      {"a subdomain alone with its record is its own", "sub.example.com",
       "_dmarc.sub.example.com. TXT \"v=DMARC1; p=none\"", "sub.example.com"},
      {"a single label", "com", "_dmarc.com. TXT \"v=DMARC1; p=none; psd=y\"", "com"},
      {"a top-level domain that is one organization", "mail.brand",
       "_dmarc.brand. TXT \"v=DMARC1; p=none\"", "brand"},
      {"a record without a usable policy is a record", "a.example.com",
       "_dmarc.example.com. TXT \"v=DMARC1\"", "example.com"},
      {"one below psd=y though the cut left it out", "mail.a.b.c.d.e.f.example.com",
       "_dmarc.b.c.d.e.f.example.com. TXT \"v=DMARC1; psd=y\"", "a.b.c.d.e.f.example.com"},
      {"psd=n that the cut left out is not found", "mail.a.b.c.d.e.f.g.example.com",
       "_dmarc.b.c.d.e.f.g.example.com. TXT \"v=DMARC1; p=none; psd=n\"\n"
       "_dmarc.example.com. TXT \"v=DMARC1; p=none\"",
       "example.com"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(organizational_domain(row.start, row.zone) == row.organizational_domain);
  }
}

TEST_CASE("an unanswered query leaves open what it might have said (RFC 9989 section 5.3.6)") {
  const char* const zone =
      "_dmarc.a.b.example.com. TXT \"v=DMARC1; p=none\"\n"
      "_dmarc.example.com. TXT \"v=DMARC1; p=none; psd=n\"";
  CHECK(organizational_domain("a.b.example.com", zone) == "example.com");
  CHECK(organizational_domain("a.b.example.com", zone,
                              {{"_dmarc.b.example.com", DnsFault::timeout}}) ==
        "b.example.com a.b.example.com example.com");
  CHECK(organizational_domain("a.b.example.com", "_dmarc.a.b.example.com. TXT \"v=DMARC1\"",
                              {{"_dmarc.example.com", DnsFault::timeout}}) ==
        "example.com b.example.com a.b.example.com");
  // Without a record at the start nothing more is asked, and all of it stays open.
  CHECK(organizational_domain("a.example.com", "", {{"_dmarc.example.com", DnsFault::timeout}}) ==
        "example.com a.example.com com");
  // Above psd=n nobody asks.
  CHECK(organizational_domain("a.b.example.com", zone, {{"_dmarc.com", DnsFault::timeout}}) ==
        "example.com");
}
