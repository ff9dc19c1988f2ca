#include "dmarc/report_destinations.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

TEST_CASE("report destinations (RFC 9989 sections 4.6 to 4.8)") {
  using Uris = std::vector<std::string>;
  const struct {
    std::string why;
    std::string list;
    bool any_valid;
    Uris mailto;
  } rows[] = {
      {"one", "mailto:a@example.org", true, {"mailto:a@example.org"}},
      {"scheme of any case", "MailTo:a@example.org", true, {"mailto:a@example.org"}},
      {"two, blanks around the comma",
       "mailto:a@example.org ,\tmailto:b@example.net",
       true,
       {"mailto:a@example.org", "mailto:b@example.net"}},
      {"obsolete size is ignored", "mailto:a@example.org!10m", true, {"mailto:a@example.org"}},
      {"size without a unit", "mailto:a@example.org!10", true, {"mailto:a@example.org"}},
      {"size in gigabytes (A116)", "mailto:a@example.org!10G", true, {"mailto:a@example.org"}},
      {"not a size", "mailto:a@example.org!ten", false, {}},
      {"unit alone", "mailto:a@example.org!m", false, {}},
      {"exclamation mark must be encoded", "mailto:a!b@example.org", false, {}},
      {"encoded one is valid, though not for us", "mailto:a%21b@example.org", true, {}},
      {"encoded comma (edge case 104)", "mailto:a%2Cb@example.org", true, {}},
      {"a bare comma splits", "mailto:a,b@example.org", false, {}},
      {"half an escape", "mailto:a%2@example.org", false, {}},
      {"other scheme is valid but ignored", "https://example.org/dmarc", true, {}},
      {"other scheme beside ours",
       "https://example.org/d,mailto:a@example.org",
       true,
       {"mailto:a@example.org"}},
      {"no scheme", "a@example.org", false, {}},
      {"nothing behind the scheme", "mailto:", false, {}},
      {"no domain", "mailto:a", false, {}},
      {"header fields are not for reports (A116)",
       "mailto:a@example.org?cc=z@example.net",
       true,
       {}},
      {"two addresses in one URI", "mailto:a@example.org%2Cb@example.net", true, {}},
      {"line end", "mailto:a@example.org\r\nBcc:z@example.net", false, {}},
      {"angle bracket", "mailto:<a@example.org>", false, {}},
      {"no domain name", "mailto:a@-", true, {}},
      {"the first two only (A116)",
       "mailto:a@example.org,mailto:b@example.org,mailto:c@example.org",
       true,
       {"mailto:a@example.org", "mailto:b@example.org"}},
      {"good ones after bad ones", "nonsense,mailto:b@example.org", true, {"mailto:b@example.org"}},
      {"empty list", "", false, {}},
      {"only commas", ",,,", false, {}},
      {"long address",
       "mailto:a@" + std::string(60, 'a') + "." + std::string(60, 'b') + "." +
           std::string(60, 'c') + "." + std::string(60, 'd') + ".example",
       true,
       {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const ReportDestinations found = parse_report_destinations(row.list);
    CHECK(found.any_valid == row.any_valid);
    Uris uris;
    for (const ReportAddress& address : found.addresses) uris.push_back(address.uri());
    CHECK(uris == row.mailto);
  }
}

TEST_CASE("a destination is an address whose domain is known (RFC 9990)") {
  const auto found = parse_report_destinations("mailto:Reports.DMARC@Example.ORG!10m");
  REQUIRE(found.addresses.size() == 1);
  CHECK(found.addresses.front().mailbox == "Reports.DMARC@Example.ORG");
  CHECK(found.addresses.front().domain == DomainName::parse("example.org"));
}
