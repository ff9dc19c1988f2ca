#include "spf_fixture.h"

#include <doctest/doctest.h>

#include <string>

using namespace spf_test;

namespace {

// Everything passes that is evaluated at all, so that a pass is never an accident.
const std::string kZone =
    txt("legitimate.example", "v=spf1 +all") + txt("attack.example", "v=spf1 +all") +
    txt("any.attack.example", "v=spf1 +all") + txt("mail.attack.example", "v=spf1 +all") +
    txt("xn--bcher-kva.example", "v=spf1 +all") + txt("localhost", "v=spf1 +all");

SpfOutcome check_from(const std::string& mail_from,
                      const std::string& helo = "mail.attack.example") {
  return check(kZone, {.mail_from = mail_from, .helo = helo});
}

std::string domain_of(const SpfOutcome& outcome) {
  return outcome.domain ? outcome.domain->text() : "";
}

}  // namespace

TEST_CASE("the domain of MAIL FROM (RFC 7208 section 4.3), A41 to A45, A51, edge case 22") {
  const struct {
    std::string why;
    std::string mail_from;
    std::string told;
    std::string domain;
  } rows[] = {
      {"plain", "<any@attack.example>", "pass", "attack.example"},
      {"without brackets", "any@attack.example", "pass", "attack.example"},
      {"A51: upper case", "<any@ATTACK.Example>", "pass", "attack.example"},
      {"A51: one trailing dot", "<any@attack.example.>", "pass", "attack.example"},
      {"A51: two trailing dots", "<any@attack.example..>", "none: invalid-domain", ""},
      {"A51: no domain", "<x@>", "none: invalid-domain", ""},
      {"A51: no at sign", "<postmaster>", "none: invalid-domain", ""},
      {"A51: address literal", "<x@[192.0.2.1]>", "none: invalid-domain", ""},
      {"A51: an address", "<x@192.0.2.1>", "none: invalid-domain", ""},
      {"A51: no local part means postmaster", "<@attack.example>", "pass", "attack.example"},
      {"single label", "<x@localhost>", "none: invalid-domain", ""},
      {"empty label", "<x@a..example>", "none: invalid-domain", ""},
      {"long label", "<x@" + std::string(64, 'a') + ".example>", "none: invalid-domain", ""},
      {"A41: no such domain", "<any@notexist.legitimate.example>", "none: no-record",
       "notexist.legitimate.example"},
      {"A42: unbalanced parenthesis", "<(any@legitimate.example>", "permerror: invalid-local-part",
       ""},
      {"A43: parenthesis in the domain", "<any@legitimate.example(.attack.example>",
       "none: invalid-domain", ""},
      {"A44: two at signs", "<any@legitimate.example'@any.attack.example>",
       "permerror: invalid-local-part", ""},
      // RFC 5321 section 4.1.1.3: ignored; one domain is meant, for SPF and for DMARC.
      {"A45: source route", "<@legitimate.example,@any.example:'any@attack.example>", "pass",
       "attack.example"},
      {"A45: source route", "<@legitimate.example:any@attack.example>", "pass", "attack.example"},
      {"one bracket", "<any@attack.example", "permerror: invalid-local-part", ""},
      {"one bracket", "any@attack.example>", "none: invalid-domain", ""},
      {"two addresses", "<a@legitimate.example>,<b@attack.example>",
       "permerror: invalid-local-part", ""},
      {"A52: quoted", "<\"a b\\\"@legitimate.example\"@attack.example>", "pass", "attack.example"},
      {"A52: quote not closed", "<\"a@legitimate.example\\\"@attack.example>",
       "permerror: invalid-local-part", ""},
      {"quote inside", "<a\"b\"c@attack.example>", "permerror: invalid-local-part", ""},
      {"quotes around two", "<\"a\"b\"c\"@attack.example>", "permerror: invalid-local-part", ""},
      {"backslash without quotes", "<a\\.b@attack.example>", "permerror: invalid-local-part", ""},
      {"control character", "<a\x01@attack.example>", "permerror: invalid-local-part", ""},
      {"line end", "<a\r\nb@attack.example>", "permerror: invalid-local-part", ""},
      {"NUL", std::string("<a\0b@attack.example>", 20), "permerror: invalid-local-part", ""},
      {"A52: 65 octets, as bounce addresses have", "<" + std::string(65, 'a') + "@attack.example>",
       "pass", "attack.example"},
      {"A52: 5000 octets", "<" + std::string(5000, 'a') + "@attack.example>", "pass",
       "attack.example"},
      {"A53: internationalised",
       "<\xc3\xbc@b\xc3\xbc"
       "cher.example>",
       "pass", "xn--bcher-kva.example"},
      {"A53: not UTF-8", "<\xfc@attack.example>", "permerror: invalid-local-part", ""},
      {"A53: overlong UTF-8", "<\xc0\xaf@attack.example>", "permerror: invalid-local-part", ""},
      {"A53: surrogate", "<\xed\xa0\x80@attack.example>", "permerror: invalid-local-part", ""},
      {"A53: cut UTF-8", "<\xe2\x82@attack.example>", "permerror: invalid-local-part", ""},
      {"A53: broken domain", "<a@b\xfc.example>", "none: invalid-domain", ""},
      {"dots anywhere in the local part", "<.a..b.@attack.example>", "pass", "attack.example"},
      {"blanks as an MTA unquotes them", "<Macro Error@attack.example>", "pass", "attack.example"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SpfOutcome outcome = check_from(row.mail_from);
    CHECK(told(outcome) == row.told);
    CHECK(domain_of(outcome) == row.domain);
    CHECK_FALSE(outcome.null_reverse_path);
    CHECK(outcome.identity == SpfIdentity::mailfrom);
  }
}

TEST_CASE("A52: a local part of more than 64 octets goes into no macro") {
  const struct {
    std::string why;
    std::string record;
    std::string told;  // with 65 octets; with 64 it is a fail
  } rows[] = {
      {"no macro", "v=spf1 -all", "fail"},
      {"other macros", "v=spf1 exists:%{d}.%{o}.%{h}.x.example -all", "fail"},
      {"%{l}", "v=spf1 exists:%{l}.x.example -all", "permerror: local-part-too-long"},
      {"%{S}", "v=spf1 exists:%{S}.x.example -all", "permerror: local-part-too-long"},
      {"%{l1r-}", "v=spf1 exists:%{l1r-}.x.example -all", "permerror: local-part-too-long"},
      {"in a", "v=spf1 a:%{L}.x.example -all", "permerror: local-part-too-long"},
      {"in mx", "v=spf1 mx:%{l}.x.example -all", "permerror: local-part-too-long"},
      {"in ptr", "v=spf1 ptr:%{l}.x.example -all", "permerror: local-part-too-long"},
      {"in an included record", "v=spf1 include:inner.example -all",
       "permerror: local-part-too-long"},
      {"behind the term that matches", "v=spf1 -all exists:%{l}.x.example", "fail"},
      {"in the explanation's name", "v=spf1 -all exp=%{l}.x.example", "fail"},
      {"in the explanation", "v=spf1 -all exp=exp.example", "fail"},
      {"in an unknown modifier", "v=spf1 -all other=%{l}", "fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const std::string zone = txt("example.org", row.record) + txt("exp.example", "no %{l}") +
                             txt("inner.example", "v=spf1 exists:%{l}.x.example");
    const auto with = [&](std::size_t octets) {
      return check(zone, {.mail_from = std::string(octets, 'a') + "@example.org"});
    };
    CHECK(told(with(64)) == "fail");
    CHECK(told(with(65)) == row.told);
    CHECK(with(65).explanation.empty());
  }
  // The name of an include or redirect.
  const auto redirected = [&](const std::string& local_part) {
    return told(check(
        txt("example.org", "v=spf1 redirect=%{l1r-}.y.example") + txt("a.y.example", "v=spf1 -all"),
        {.mail_from = local_part + "@example.org"}));
  };
  CHECK(redirected("a-" + std::string(62, 'b')) == "fail");
  CHECK(redirected("a-" + std::string(63, 'b')) == "permerror: local-part-too-long");
}

TEST_CASE("A46, edge case 21: the null reverse-path is postmaster at HELO (RFC 7208 section 2.4)") {
  const std::string zone = txt("mail.example.org", "v=spf1 exists:%{l}.%{o}.%{h}.x.example -all") +
                           "postmaster.mail.example.org.mail.example.org.x.example. A 192.0.2.1\n";
  for (const std::string null : {"<>", ""}) {
    CAPTURE(null);
    const auto outcome = check(zone, {.mail_from = null});
    CHECK(told(outcome) == "pass");
    CHECK(domain_of(outcome) == "mail.example.org");
    CHECK(outcome.identity == SpfIdentity::mailfrom);
    CHECK(outcome.null_reverse_path);
  }
  const auto without = check(zone, {.mail_from = "<>", .helo = "[192.0.2.1]"});
  CHECK(told(without) == "none: invalid-helo");
  CHECK(without.null_reverse_path);
  CHECK_FALSE(without.domain);
}

TEST_CASE("the HELO identity (RFC 7208 section 2.3), A47, edge case 20") {
  const struct {
    std::string why;
    std::string helo;
    std::string told;
  } rows[] = {
      {"a name", "mail.attack.example", "pass"},
      {"upper case", "MAIL.Attack.Example", "pass"},
      {"trailing dot", "mail.attack.example.", "pass"},
      {"no record", "nothing.attack.example", "none: no-record"},
      {"single label", "localhost", "none: invalid-helo"},
      {"address literal", "[192.0.2.1]", "none: invalid-helo"},
      {"address", "192.0.2.1", "none: invalid-helo"},
      {"A47: injection", "a;dmarc=pass", "none: invalid-helo"},
      {"A47: quote", "legitimate.example' x", "none: invalid-helo"},
      {"A47: 1000 octets", repeat(250, "abc."), "none: invalid-helo"},
      {"A47: NUL", std::string("mail.attack.example\0x", 21), "none: invalid-helo"},
      {"A47: 8-bit", "mail.attack.example\xff", "none: invalid-helo"},
      {"none was given", "", "none: no-helo"},
  };
  const auto resolver = make_test_resolver(kZone);
  for (const auto& row : rows) {
    CAPTURE(row.why);
    // MAIL FROM has no say.
    const auto outcome =
        check_helo(request_of({.mail_from = "(@legitimate.example", .helo = row.helo}), *resolver);
    CHECK(told(outcome) == row.told);
    CHECK(outcome.identity == SpfIdentity::helo);
    CHECK_FALSE(outcome.null_reverse_path);
  }
}

TEST_CASE("a bad HELO does not disturb the check of MAIL FROM") {
  for (const std::string helo : {"", "[192.0.2.1]", "a\r\nb", "\xff"}) {
    CHECK(told(check_from("<any@attack.example>", helo)) == "pass");
    CHECK(told(check(txt("example.org", "v=spf1 exists:%{h} exists:%{H}.x -all"),
                     {.helo = helo})) == "fail");
  }
}

TEST_CASE("results and identities are printed as RFC 8601 has them") {
  CHECK(to_string(SpfResult::none) == "none");
  CHECK(to_string(SpfResult::neutral) == "neutral");
  CHECK(to_string(SpfResult::pass) == "pass");
  CHECK(to_string(SpfResult::fail) == "fail");
  CHECK(to_string(SpfResult::softfail) == "softfail");
  CHECK(to_string(SpfResult::temperror) == "temperror");
  CHECK(to_string(SpfResult::permerror) == "permerror");
  CHECK(to_string(SpfIdentity::mailfrom) == "mailfrom");
  CHECK(to_string(SpfIdentity::helo) == "helo");
}
