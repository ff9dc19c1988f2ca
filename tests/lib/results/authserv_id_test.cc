#include <authmilter/authentication_results.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::claims_to_be_ours;
using authmilter::parse_authserv_id;
using namespace std::string_literals;

TEST_CASE(
    "a field with our name in any spelling is removed (RFC 8601 section 5, A119, A120, edge case "
    "93)") {
  const struct {
    std::string why;
    std::string value;
    bool ours;
  } rows[] = {
      {"as we write it", " mx.victim.example; dmarc=pass", true},
      {"upper case", "MX.VICTIM.EXAMPLE; dmarc=pass", true},
      {"quoted", "\"mx.victim.example\"; dmarc=pass", true},
      {"quoted pairs", "\"mx.vi\\ctim.example\"; dmarc=pass", true},
      {"quoted with blanks", "\" mx.victim.example \"; dmarc=pass", true},
      {"quoted with a fold", "\"mx.victim\r\n .example\"; dmarc=pass", false},
      {"comment in front", "(c)mx.victim.example; dmarc=pass", true},
      {"comment behind", "mx.victim.example(c); dmarc=pass", true},
      {"version", "mx.victim.example 1; dmarc=pass", true},
      {"any version", "mx.victim.example 99999999999; dmarc=pass", true},
      {"slash", "mx.victim.example/1; dmarc=pass", true},
      {"folded", "\r\n mx.victim.example\r\n ; dmarc=pass", true},
      {"folded with LF", "\n\tmx.victim.example; dmarc=pass", true},
      {"trailing dot", "mx.victim.example.; dmarc=pass", true},
      {"fullwidth letters", "\xef\xbd\x8dx.victim.example; dmarc=pass", true},
      {"ideographic full stop",
       "mx.victim\xe3\x80\x82"
       "example; dmarc=pass",
       true},
      {"invisible character: no domain name, unreadable", "mx.vic\xc2\xadtim.example; dmarc=pass",
       true},
      {"results that cannot be read", "mx.victim.example; ((((", true},
      {"nothing behind", "mx.victim.example", true},
      {"another", "mx.other.example; dmarc=pass", false},
      {"another, quoted", "\"mx.other.example\" 1; dmarc=pass", false},
      {"a subdomain", "a.mx.victim.example; dmarc=pass", false},
      {"the parent", "victim.example; dmarc=pass", false},
      {"a longer name", "mx.victim.examples; dmarc=pass", false},
      {"another that is not a domain name", "spam_filter+1; dmarc=pass", false},
      {"another with unreadable results", "mx.other.example; ((((", false},
      {"our name as a value only", "mx.other.example; x=y a.b=mx.victim.example", false},
      {"unreadable: nothing", "", true},
      {"unreadable: blanks", " ", true},
      {"unreadable: no id", "; dmarc=pass", true},
      {"unreadable: empty id", "\"\"; dmarc=pass", true},
      {"unreadable: a dot", ".; dmarc=pass", true},
      {"unreadable: result first", "dmarc=pass header.from=victim.example", true},
      {"unreadable: text behind the id", "mx.other.example x; dmarc=pass", true},
      {"unreadable: comment inside the name", "mx.(c)victim.example; dmarc=pass", true},
      {"unreadable: open comment", "(mx.other.example; dmarc=pass", true},
      {"unreadable: open comment behind", "mx.other.example (", true},
      {"unreadable: open quote", "\"mx.other.example; dmarc=pass", true},
      {"unreadable: encoded word", "=?utf-8?q?mx.victim.example?=; dmarc=pass", true},
      {"unreadable: NUL", "mx.other.example\0; dmarc=pass"s, true},
      {"unreadable: 21 comments",
       std::string(21, '(') + std::string(21, ')') + "mx.other.example; none", true},
      {"64 KiB", "mx.other.example; " + std::string(65536 - 18, ' '), false},
      {"unreadable: longer", "mx.other.example; " + std::string(65537 - 18, ' '), true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(claims_to_be_ours(row.value, "mx.victim.example") == row.ours);
    CHECK(claims_to_be_ours(row.value, "MX.Victim.Example.") == row.ours);
  }
}

TEST_CASE("names of other forms are compared too (RFC 8616 section 4)") {
  const std::string u_label =
      "mx.b\xc3\xbc"
      "cher.example";
  const std::string a_label = "mx.xn--bcher-kva.example";
  CHECK(claims_to_be_ours(u_label + "; none", a_label));
  CHECK(claims_to_be_ours(a_label + "; none", u_label));
  CHECK(claims_to_be_ours(u_label + "; none", u_label));
  CHECK(
      claims_to_be_ours("MX.B\xc3\x9c"
                        "CHER.example; none",
                        a_label));
  CHECK_FALSE(claims_to_be_ours("mx.bucher.example; none", a_label));
  CHECK(claims_to_be_ours("\"My Server\"; none", "my server"));
  CHECK_FALSE(claims_to_be_ours("\"My Server 2\"; none", "my server"));
}

TEST_CASE("an authserv-id is unquoted, in lower case, without a trailing dot") {
  CHECK(parse_authserv_id(" (x) \"MX.Example\" 1; none") == "mx.example");
  CHECK(parse_authserv_id("mx.example.; none") == "mx.example");
  CHECK(parse_authserv_id("mx.example") == "mx.example");
  CHECK_FALSE(parse_authserv_id("mx.example x; none"));
}
