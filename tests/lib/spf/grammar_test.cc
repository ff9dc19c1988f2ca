#include "spf/grammar.h"

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;
using namespace authmilter::spf;

namespace {

std::string error_of(const std::string& text) {
  const auto record = parse_record(text);
  return record ? "" : record.error().text();
}

}  // namespace

TEST_CASE("A65, edge cases 5, 6 and 25: which TXT records are SPF (RFC 7208 section 4.5)") {
  const struct {
    std::string text;
    bool spf;
  } rows[] = {
      {"v=spf1", true},        {"v=spf1 -all", true},
      {"V=SPF1 -all", true},   {"v=spf1 ", true},
      {"v=spf10 -all", false}, {"v=spf1\tip4:192.0.2.1", false},
      {"v=spf1-all", false},   {" v=spf1 -all", false},
      {"v=spf", false},        {"v=spf1,mx", false},
      {"spf2.", false},        {"spf2.0/pra -all", false},
      {"v=spf2 -all", false},  {"", false},
      {"v =spf1 -all", false}, {"v=spf1\r\n", true},
      {"v=spf1\t", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(is_spf_record(row.text) == row.spf);
  }
}

TEST_CASE("terms that the grammar allows (RFC 7208 section 12)") {
  std::string rows[] = {
      "all",
      "-all",
      "~all",
      "?all",
      "+all",
      "ALL",
      "InClUdE:example.org",
      "a",
      "A",
      "a:example.org",
      "a/24",
      "a//64",
      "a/24//64",
      "a:example.org/24//64",
      "a/0",
      "a//0",
      "a/0//0",
      "a/32//128",
      "a:%{d}/24",
      "a:foo:bar/baz.example.com",
      "a:/x.example//12",
      "mx",
      "mx:example.org/24",
      "mx//128",
      "ptr",
      "ptr:example.org",
      "exists:%{ir}.%{l1r-}.example.org",
      "ip4:192.0.2.1",
      "ip4:192.0.2.0/24",
      "ip4:0.0.0.0/0",
      "ip4:192.0.2.1/32",
      "ip6:2001:db8::1",
      "ip6:2001:db8::/32",
      "ip6:::",
      "ip6:::/0",
      "ip6:::1.1.1.1/0",
      "ip6:::ffff:192.0.2.1/96",
      "ip6:2001:DB8::/128",
      "redirect=example.org",
      "REDIRECT=example.org",
      "exp=%{d}",
      "redirect=%{d}.spf.example.org.",
      "x=",
      "moo.cow-far_out=man:dog/cat",
      "default=+",
      "include=x",
      "a=b",
      "t=%{t}",
  };
  for (const auto& row : rows) {
    CAPTURE(row);
    CHECK(error_of(std::string("v=spf1 ") + row) == "");
    CHECK(error_of(std::string("v=spf1  ") + row + "  ") == "");
  }
}

TEST_CASE("terms that are syntax errors, edge cases 13, 16 and 29, A63, A64, A168, A169") {
  const struct {
    std::string term;
    std::string why;
  } rows[] = {
      {"foo", "unknown mechanism"},
      {"foo:bar", "unknown mechanism"},
      {"redirect:example.org", "unknown mechanism"},
      {"exp:example.org", "unknown mechanism"},
      {"!!+ip4", "unknown mechanism"},
      {"--all", "unknown mechanism"},
      {"-", "unknown mechanism"},
      {"all.", "unknown mechanism"},
      {"ip4", "invalid term"},
      {":", "unknown mechanism"},
      {"all:foo", "invalid term"},
      {"all/8", "invalid term"},
      {"all/", "invalid term"},
      {"include", "invalid term"},
      {"include:", "invalid term"},
      {"include:example.org/24", "invalid term"},
      {"include:example", "invalid term"},
      {"exists", "invalid term"},
      {"exists:", "invalid term"},
      {"exists:example.org/24", "invalid term"},
      {"ptr:", "invalid term"},
      {"ptr/0", "invalid term"},
      {"ptr:example.org/24", "invalid term"},
      {"a:", "invalid term"},
      {"a/", "invalid term"},
      {"a//", "invalid term"},
      {"a/33", "invalid term"},
      {"a//129", "invalid term"},
      {"a/08", "invalid term"},
      {"a//08", "invalid term"},
      {"a/00", "invalid term"},
      {"a/24/64", "invalid term"},
      {"a///64", "invalid term"},
      {"a//64/24", "invalid term"},
      {"a/-1", "invalid term"},
      {"a/24//64//64", "invalid term"},
      {"a//18446744073709551744", "invalid term"},
      {"a:/24", "invalid term"},
      {"a:example.org/", "invalid term"},
      {"a:192.0.2.1", "invalid term"},
      {"a:example.com:8080", "invalid term"},
      {"a:%{d0}", "invalid term"},
      {"a:%{c}", "invalid term"},
      {"a:%", "invalid term"},
      {"a%", "unknown mechanism"},
      {"ip4:", "invalid term"},
      {"ip4:192.0.2", "invalid term"},
      {"ip4:192.0.2.256", "invalid term"},
      {"ip4:192.0.2.01", "invalid term"},
      {"ip4:192.0.2.1/", "invalid term"},
      {"ip4:192.0.2.1/33", "invalid term"},
      {"ip4:192.0.2.1/032", "invalid term"},
      {"ip4:192.0.2.0/4294967320", "invalid term"},
      {"ip4:192.0.2.1//32", "invalid term"},
      {"ip4:192.0.2.1:8080", "invalid term"},
      {"ip4:2001:db8::1", "invalid term"},
      {"ip4:::ffff:192.0.2.1", "invalid term"},
      {"ip4:example.org", "invalid term"},
      {"ip4/24", "invalid term"},
      {"ip6", "invalid term"},
      {"ip6:", "invalid term"},
      {"ip6:192.0.2.1", "invalid term"},
      {"ip6::CAFE::BABE", "invalid term"},
      {"ip6:2001:db8::/129", "invalid term"},
      {"ip6:2001:db8:://64", "invalid term"},
      {"ip6:[2001:db8::1]", "invalid term"},
      {"ip6:fe80::1%eth0", "invalid term"},
      {"=all", "invalid modifier name"},
      {"1up=foo", "invalid modifier name"},
      {"-redirect=example.org", "invalid modifier name"},
      {"a,b=c", "invalid modifier name"},
      {"redirect=", "invalid modifier"},
      {"redirect=-all", "invalid modifier"},
      {"redirect=example.org/24", "invalid modifier"},
      {"exp=", "invalid modifier"},
      {"exp=-all", "invalid modifier"},
      {"exp=%{r}.example.org", "invalid modifier"},
      {"foo=%abc", "invalid modifier"},
      {"moo.cow/far_out=man", "unknown mechanism"},
      {"moo.cow:far_out=man", "unknown mechanism"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.term);
    // An error anywhere counts, even behind what would match first.
    const std::string first = error_of(std::string("v=spf1 ") + row.term + " ip4:192.0.2.1 -all");
    const std::string last = error_of(std::string("v=spf1 +all ") + row.term);
    CHECK(first.starts_with(std::string("syntax-error (") + row.why));
    CHECK(last == first);
  }
}

TEST_CASE("modifiers may stand anywhere, the known ones once (RFC 7208 section 6), A58") {
  CHECK(error_of("v=spf1 redirect=a.example exp=b.example -all x=y x=y") == "");
  CHECK(error_of("v=spf1 redirect=a.example redirect=b.example").starts_with("syntax-error"));
  CHECK(error_of("v=spf1 exp=a.example -all EXP=b.example").starts_with("syntax-error"));
}

TEST_CASE("A62, A168, edge cases 24 and 26: records hold printable ASCII only") {
  CHECK(error_of("v=spf1 a:x\x01y.example -all") ==
        "syntax-error (octet outside printable ASCII: v=spf1 a:x\\x01y.example -all)");
  CHECK(error_of("v=spf1 a\t-all") != "");
  CHECK(error_of("v=spf1 a\n-all") != "");
  // Nothing follows that they could hide.
  CHECK(error_of("v=spf1 a -all\n").empty());
  CHECK(error_of("v=spf1 a -all \t\r\n").empty());
  CHECK(error_of("v=spf1 ip4:192.0.2.1 \xe2\x80\x8b-all") != "");
  CHECK(error_of(std::string("v=spf1 a:foo.example.com\0", 25)) != "");
  CHECK(error_of("v=spf1 a\r\n -all") != "");
}

TEST_CASE("A55, A62: sizes of records and terms") {
  const auto terms = [](std::size_t count) {
    std::string text = "v=spf1";
    for (std::size_t i = 0; i < count; ++i) text += " ip4:192.0.2.1";
    return text;
  };
  CHECK(error_of(terms(255)) == "");
  CHECK(error_of(terms(256)) == "too-many-terms");
  // With a term behind the blanks, which would be passed over at the very end.
  CHECK(error_of("v=spf1" + std::string(kRecordOctets - 7, ' ') + "a") == "");
  CHECK(error_of("v=spf1" + std::string(kRecordOctets - 6, ' ') + "a") == "record-too-long");
  const std::string domain = "a:" + std::string(kTermOctets - 5, 'x') + ".de";
  CHECK(error_of("v=spf1 " + domain) == "");
  CHECK(error_of("v=spf1 x" + domain).starts_with("term-too-long"));
  std::string hostile = "v=spf1 a:";
  for (int i = 0; i < 127; ++i) hostile += "%{d}";
  CHECK(error_of(hostile + std::string(4000, 'A')) == "term-too-long");
}

TEST_CASE("ip4 and ip6 compare as many bits as the prefix has (RFC 7208 section 5.6), A49") {
  const struct {
    std::string term;
    std::string client;
    bool matches;
  } rows[] = {
      {"ip4:192.0.2.1", "192.0.2.1", true},
      {"ip4:192.0.2.1", "192.0.2.2", false},
      {"ip4:192.0.2.128/25", "192.0.2.255", true},
      {"ip4:192.0.2.128/25", "192.0.2.127", false},
      {"ip4:192.0.2.77/23", "192.0.3.1", true},
      {"ip4:192.0.2.77/23", "192.0.4.1", false},
      {"ip4:1.1.1.1/0", "192.0.2.1", true},
      {"ip4:1.1.1.1/0", "2001:db8::1", false},
      {"ip4:192.0.2.1", "::ffff:192.0.2.1", true},
      {"ip6:2001:db8::/32", "2001:db8:ffff::1", true},
      {"ip6:2001:db8::/33", "2001:db8:8000::1", false},
      {"ip6:2001:db8::1", "2001:db8::1", true},
      {"ip6:2001:db8::1", "2001:db8::2", false},
      {"ip6:::/0", "2001:db8::1", true},
      {"ip6:::/0", "192.0.2.1", false},
      {"ip6:::ffff:192.0.2.1", "::ffff:192.0.2.1", false},
      {"ip6:::ffff:192.0.2.1/64", "::1", true},
      {"ip6:::ffff:192.0.2.1/96", "::1", false},
      {"all", "192.0.2.1", true},
      {"a", "192.0.2.1", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.term);
    CAPTURE(row.client);
    const auto record = parse_record(std::string("v=spf1 ") + row.term);
    REQUIRE(record);
    CHECK(record->terms.at(0).matches(IpAddress::parse(row.client).value()) == row.matches);
  }
}

TEST_CASE("what the TXT records of a name come to, read once for each answer (section 4.5)") {
  const struct {
    std::string why;
    std::string zone;
    std::string want;
  } rows[] = {
      {"one record", "a.test TXT \"v=spf1 -all\"\n", "record"},
      {"beside others", "a.test TXT \"v=DMARC1\"\na.test TXT \"v=spf1 -all\"\n", "record"},
      {"none", "a.test TXT \"v=DMARC1\"\n", "none"},
      {"two", "a.test TXT \"v=spf1 -all\"\na.test TXT \"v=spf1 ?all\"\n", "multiple-records"},
      {"a wrong one", "a.test TXT \"v=spf1 ip4:x -all\"\n", "syntax-error"},
      {"a long one",
       "a.test TXT \"v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip6:2001:db8::1 "
       "include:_spf.b.test mx a:c.test exists:%{ir}.%{v}._spf.%{d2} ?all\"\n",
       "record"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone);
    const DnsQuestion question{*DnsName::parse("a.test"), RrType::txt};
    const auto first = parsed<PublishedRecord>(resolver->resolve(question));
    CHECK(parsed<PublishedRecord>(resolver->resolve(question)) == first);
    const auto& record = first->record;
    CHECK((!record   ? "none"
           : *record ? "record"
                     : std::string(record->error().word())) == row.want);
  }
}
