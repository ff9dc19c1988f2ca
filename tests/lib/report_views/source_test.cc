#include <authmilter/report_source.h>
#include <authmilter/report_store.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;
using Kind = ReportSource::Kind;

TEST_CASE("what an administrator recognises a source by") {
  const struct {
    const char* why;
    bool dkim_aligned, spf_aligned;
    std::vector<ViewRow::Auth> dkim, spf;
    Kind kind;
    const char* name;  // null: only the address tells
  } rows[] = {
      {"an aligned signature goes first",
       true,
       true,
       {{"example.org", "a", "pass"}},
       {{"example.org", "", "pass"}},
       Kind::dkim,
       "example.org"},
      {"of several signatures the aligned one",
       true,
       false,
       {{"esp.example", "k", "pass"}, {"mail.example.org", "a", "pass"}},
       {},
       Kind::dkim,
       "mail.example.org"},
      {"the author's own before one above it",
       true,
       false,
       {{"org.example.org", "k", "pass"}, {"example.org", "a", "pass"}},
       {},
       Kind::dkim,
       "example.org"},
      {"one that does not pass is none",
       false,
       true,
       {{"example.org", "a", "fail"}},
       {{"example.org", "", "pass"}},
       Kind::spf,
       "example.org"},
      {"an aligned envelope with its whole name",
       false,
       true,
       {},
       {{"bounce.example.org", "", "pass"}},
       Kind::spf,
       "bounce.example.org"},
      {"another's envelope by its registered part",
       false,
       false,
       {},
       {{"b-17.bounces.esp.example", "", "pass"}},
       Kind::spf,
       "esp.example"},
      {"SPF before another's signature",
       false,
       false,
       {{"signer.example", "k", "pass"}},
       {{"esp.example", "", "pass"}},
       Kind::spf,
       "esp.example"},
      {"another's signature",
       false,
       false,
       {{"a.signer.example", "k", "pass"}},
       {{"esp.example", "", "softfail"}},
       Kind::foreign_dkim,
       "signer.example"},
      {"aligned, says a report that names no signature",
       true,
       false,
       {},
       {},
       Kind::dkim,
       "example.org"},
      {"a pass of no domain is nothing",
       false,
       false,
       {{"", "k", "pass"}},
       {{"", "", "pass"}},
       Kind::rest,
       nullptr},
      {"nothing passes",
       false,
       false,
       {{"example.org", "a", "fail"}},
       {{"example.org", "", "fail"}},
       Kind::rest,
       nullptr},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ViewRow view;
    view.domain = view.header_from = "example.org";
    view.dkim_aligned = row.dkim_aligned;
    view.spf_aligned = row.spf_aligned;
    view.dkim = row.dkim;
    view.spf = row.spf;
    const auto source = authenticated_source(view);
    REQUIRE(source.has_value() == (row.name != nullptr));
    if (!source) continue;
    CHECK(to_string(source->kind) == to_string(row.kind));
    CHECK(source->name == row.name);
  }
}

TEST_CASE("what an address stands for") {
  const AddressNames names = {{"192.0.2.1", "out-3.mail.esp.example"},
                              {"2001:db8:1:2::3", "mx.uni.ac.uk"},
                              {"192.0.2.9", ""}};
  const struct {
    const char* why;
    const char* address;
    Kind kind;
    const char* name;
  } rows[] = {
      {"its name", "192.0.2.1", Kind::ptr, "esp.example"},
      {"below a registry of a country", "2001:db8:1:2::3", Kind::ptr, "uni.ac.uk"},
      {"an empty name is none", "192.0.2.9", Kind::network, "192.0.2.0/24"},
      {"its network", "198.51.100.77", Kind::network, "198.51.100.0/24"},
      {"of IPv6 the site", "2001:db8:7:8::9", Kind::network, "2001:db8:7::/48"},
      {"IPv4 in IPv6 is IPv4", "::ffff:198.51.100.77", Kind::network, "198.51.100.0/24"},
      {"no address", "<b>1</b>", Kind::rest, ""},
      {"nothing", "", Kind::rest, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const ReportSource source = address_source(row.address, names);
    CHECK(to_string(source.kind) == to_string(row.kind));
    CHECK(source.name == row.name);
  }
}

TEST_CASE("the registered part of a name, by a rule of thumb") {
  const struct {
    const char* name;
    const char* part;
  } rows[] = {
      {"example.org", "example.org"},
      {"a.b.example.org", "example.org"},
      {"a.example.co.uk", "example.co.uk"},
      {"example.co.uk", "example.co.uk"},
      {"co.uk", "co.uk"},
      {"mx.hp.de", "hp.de"},
      {"a.b.co.example", "co.example"},
      {"localhost", "localhost"},
      {".org", ".org"},
      {"", ""},
      {"..", "."},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(registrable_part(row.name) == row.part);
  }
}

TEST_CASE("domains that may be of one organization") {
  const struct {
    const char* a;
    const char* b;
    bool one;
  } rows[] = {
      {"example.org", "example.org", true},
      {"mail.example.org", "example.org", true},
      {"example.org", "a.b.example.org", true},
      {"a.example.org", "b.example.org", true},
      {"example.org", "example.net", false},
      {"badexample.org", "example.org", false},
      {"a.example.co.uk", "b.co.uk", false},
      {"org", "example.org", false},
      {"", "", false},
      {"", "example.org", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.a);
    CAPTURE(row.b);
    CHECK(of_one_organization(row.a, row.b) == row.one);
  }
}
