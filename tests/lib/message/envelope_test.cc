#include <authmilter/message.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::mailbox_text;
using authmilter::parse_helo;
using authmilter::parse_reverse_path;

TEST_CASE("the reverse-path is a mailbox or nothing (RFC 5321 section 4.1.2, A41 to A53)") {
  const std::string l256(256, 'l');
  const struct {
    std::string why;
    std::string text;
    std::string local_part;
    std::string domain;  // empty: no mailbox
  } rows[] = {
      {"in brackets", "<a.b@example.org>", "a.b", "example.org"},
      {"without", "a.b@example.org", "a.b", "example.org"},
      {"every mark of atext", "<!#$%&'*+-/=?^_`{|}~@example.org>", "!#$%&'*+-/=?^_`{|}~",
       "example.org"},
      {"upper case (A51)", "<x@ATTACK.example>", "x", "attack.example"},
      {"trailing dot (A51)", "<x@attack.example.>", "x", "attack.example"},
      {"two of them", "<x@attack.example..>", "", ""},
      {"quoted local part", "<\"a b\"@example.org>", "a b", "example.org"},
      {"quoted without need", "<\"a\"@example.org>", "a", "example.org"},
      {"quoted pair", "<\"\\a\\\\\"@example.org>", "a\\", "example.org"},
      {"quoted '@' (A52)", "<\"a b\\\"@legitimate.example\"@attack.example>",
       "a b\"@legitimate.example", "attack.example"},
      {"U-labels (A53)",
       "<\xc3\xbc@b\xc3\xbc"
       "cher.example>",
       "\xc3\xbc", "xn--bcher-kva.example"},
      {"a bounce address of more than 64 octets", "<" + std::string(100, 'l') + "@example.org>",
       std::string(100, 'l'), "example.org"},
      // RFC 5321 section 4.5.3.1: no limits, to the maximum extent possible. The MTA has its own.
      {"256 octets", l256 + "@example.org", l256, "example.org"},
      {"257 octets", l256 + "l@example.org", l256 + "l", "example.org"},
      {"5000 octets (A52)", "<" + std::string(5000, 'l') + "@example.org>", std::string(5000, 'l'),
       "example.org"},
      {"bracket and parenthesis are not null (A42)", "<(any@legitimate.example>", "", ""},
      {"parenthesis in the domain (A43)", "<any@legitimate.example(.attack.example>", "", ""},
      {"quote is atext, the domain is the last (A44)", "<any'@any.attack.example>", "any'",
       "any.attack.example"},
      {"two '@' (A44)", "<any@legitimate.example'@any.attack.example>", "", ""},
      // RFC 5321 section 4.1.1.3: the route is ignored, the mailbox behind it is meant.
      {"source route (A45)", "<@legitimate.example,@any.example:any@attack.example>", "any",
       "attack.example"},
      {"source route of one", "<@legitimate.example:\"a:b\"@attack.example>", "a:b",
       "attack.example"},
      {"a route that is not a list", "<@legitimate.example@any.example:any@attack.example>", "",
       ""},
      {"a route of something else", "<@a b,@any.example:any@attack.example>", "", ""},
      {"a route through a literal", "<@[192.0.2.1]:any@attack.example>", "", ""},
      {"two routes", "<@a.example:@b.example:any@attack.example>", "", ""},
      {"a route to nobody", "<@a.example:@attack.example>", "", ""},
      // RFC 7208 section 4.3: a sender without a local part has a domain.
      {"no local part", "<@attack.example>", "", "attack.example"},
      {"empty quoted local part", "<\"\"@attack.example>", "", "attack.example"},
      {"no domain", "<x@>", "", ""},
      {"no '@'", "<x>", "", ""},
      {"address literal", "<x@[192.0.2.1]>", "", ""},
      {"bare address", "<x@192.0.2.1>", "", ""},
      // RFC 5321 section 2.3.11: a local part means what its host says. Dots leave no doubt about
      // where it ends, and there are mailboxes of these names.
      {"double dot", "<a..b@example.org>", "a..b", "example.org"},
      {"leading dot", "<.a@example.org>", ".a", "example.org"},
      {"trailing dot in the local part", "<a.@example.org>", "a.", "example.org"},
      {"unquoted by the MTA", "<Macro Error@example.org>", "Macro Error", "example.org"},
      {"no closing bracket", "<a@example.org", "", ""},
      {"no opening bracket", "a@example.org>", "", ""},
      {"one bracket", "<", "", ""},
      {"the other", ">", "", ""},
      {"two pairs", "<<a@example.org>>", "", ""},
      {"blank in front", " <a@example.org>", "", ""},
      {"blank at the end", "<a @example.org>", "", ""},
      {"blank at the start", "< a@example.org>", "", ""},
      {"backslash without quotes", "<a\\.b@example.org>", "", ""},
      {"not UTF-8 (A53)", "<\xfc@example.org>", "", ""},
      {"overlong UTF-8 (A53)", "<\xc0\xaf@example.org>", "", ""},
      {"surrogate (A53)", "<\xed\xa0\x80@example.org>", "", ""},
      {"comment", "<a(b)@example.org>", "", ""},
      {"open quote", "<\"a@example.org>", "", ""},
      {"text after the quote", "<\"a\"b@example.org>", "", ""},
      {"tab in a quote", "<\"a\tb\"@example.org>", "", ""},
      {"line end in a quote", "<\"a\r\n b\"@example.org>", "", ""},
      {"NUL", std::string("<a\0@example.org>", 16), "", ""},
      {"line end", "<a@example.org>\r\n", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto path = parse_reverse_path(row.text);
    CHECK_FALSE(path.null);
    CHECK(path.valid() == !row.domain.empty());
    CHECK(path.local_part == row.local_part);
    CHECK((path.domain ? path.domain->text() : "") == row.domain);
    CHECK(path.error.has_value() == row.domain.empty());
    CHECK(path.text == row.text);
    if (!path.domain) continue;
    // Written and read again it is the same mailbox.
    const auto again = parse_reverse_path(mailbox_text(path));
    CHECK(again.local_part == path.local_part);
    CHECK(again.domain == path.domain);
  }
}

TEST_CASE("the null reverse-path (RFC 5321 section 4.5.5, A46)") {
  for (const auto* text : {"<>", ""}) {
    const auto path = parse_reverse_path(text);
    CHECK(path.null);
    CHECK(path.valid());
    CHECK_FALSE(path.domain);
    CHECK(path.local_part.empty());
  }
  for (const auto* text : {"< >", "<<>>", "\"\"", "<@>"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_reverse_path(text).valid());
  }
}

TEST_CASE("a HELO name is a domain name of two labels or more (A47, edge case 20)") {
  const struct {
    std::string why;
    std::string text;
    std::string name;
  } rows[] = {
      {"name", "Mail.Example.ORG", "mail.example.org"},
      {"trailing dot", "mail.example.org.", "mail.example.org"},
      {"underscore", "mail_1.example.org", "mail_1.example.org"},
      {"single label", "localhost", ""},
      {"single label with a dot", "localhost.", ""},
      {"address literal", "[192.0.2.1]", ""},
      {"IPv6 literal", "[IPv6:2001:db8::1]", ""},
      {"bare address", "192.0.2.1", ""},
      {"injection", "a.example;dmarc=pass", ""},
      {"quote", "legitimate.example' x", ""},
      {"1000 octets", std::string(1000, 'a'), ""},
      {"NUL", std::string("a.example\0b", 11), ""},
      {"broken UTF-8", "a\xff.example", ""},
      {"empty", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto name = parse_helo(row.text);
    CHECK((name.domain ? name.domain->text() : "") == row.name);
    CHECK(name.text == row.text);
  }
}
