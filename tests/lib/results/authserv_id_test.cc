#include <authmilter/authentication_results.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::DomainName;
using authmilter::parse_authserv_id;
using namespace std::string_literals;

namespace {

bool claims_to_be_ours(const std::string& value, const std::string& name) {
  return authmilter::claims_to_be_ours(value, DomainName::parse(name).value());
}

}  // namespace

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

TEST_CASE("no line that a reader may find by our name (A196, RFC 8601 section 5)") {
  // Readers that decode RFC 2047 before they look, or that look at each line.
  const auto base64_word = [](const std::string& charset, const std::string& encoded) {
    return "o.example; none (=?" + charset + "?b?" + encoded + "?=)";
  };
  const struct {
    std::string why;
    std::string value;
    bool ours;
  } rows[] = {
      {"encoded line end", "o.example; none =?utf-8?q?=0Amx.victim.example;_dmarc=3Dpass?=", true},
      {"CR", "o.example; none =?us-ascii?Q?=0dmx.victim.example?=", true},
      {"in base64", base64_word("utf-8", "Cm14LnZpY3RpbS5leGFtcGxlOyBkbWFyYz1wYXNz"), true},
      {"its end alone", base64_word("utf-8", "Cg=="), true},
      {"NEL", "o.example; none =?utf-8?q?=c2=85mx.victim.example?=", true},
      {"NEL in Latin 1", "o.example; none =?iso-8859-1?q?=85mx.victim.example?=", true},
      {"line separator", "o.example; none =?utf-8?q?=e2=80=a8mx.victim.example?=", true},
      {"NUL", "o.example; none =?utf-8?q?=00?=", true},
      {"a charset of wide letters", base64_word("utf-16", "AAoAbQB4"), true},
      {"UTF-7", "o.example; none =?utf-7?q?+AAo-mx.victim.example?=", true},
      {"unknown charset", "o.example; none =?x?q?a?=", true},
      {"with a language", "o.example; none =?utf-8*en?q?=0Amx.victim.example?=", true},
      {"encoded at the start of a line", "o.example;\r\n =?utf-8?q?mx.victim.example;?= x", true},
      {"in two words",
       "o.example;\r\n =?utf-8?q?mx.vic?=\r\n =?utf-8?q?tim.example;_dmarc=3Dpass?=", true},
      {"a word not ended, behind one that is",
       "o.example; none =?utf-8?q?=0Amx.victim.example?= =?utf-8?q?", true},
      {"in a quoted string", "o.example; none reason=\"=?utf-8?q?=0Amx.victim.example?=\"", true},
      {"a line of the field", "o.example;\r\n mx.victim.example; dmarc=pass", true},
      {"with LF alone", "o.example;\n\tmx.victim.example; dmarc=pass", true},
      {"upper case, a dot behind", "o.example;\r\n MX.Victim.Example. 1; dmarc=pass", true},
      {"quoted", "o.example;\r\n \"mx.victim.example\"; dmarc=pass", true},
      {"a name", "o.example; dkim=pass (=?utf-8?q?J=C3=B6rg?=) header.d=o.example", false},
      {"a name in Latin 1", "o.example; dkim=pass (=?ISO-8859-1?Q?J=F6rg?=)", false},
      {"a name in base64", base64_word("utf-8", "SsO2cmc="), false},
      {"U+4E05, whose octets hold a 0x85", "o.example; none (=?utf-8?q?=e4=b8=85?=)", false},
      {"our name in a word, not at the start of a line",
       "o.example; none (=?utf-8?q?by_mx.victim.example?=)", false},
      {"a line of a longer name", "o.example;\r\n mx.victim.example-2; x=y", false},
      {"a line of a name below", "o.example;\r\n a.mx.victim.example; x=y", false},
      {"no word: encoding", "o.example; none =?utf-8?x?=0Amx.victim.example?=", false},
      {"no word: no end", "o.example; none =?utf-8?q?=0Amx.victim.example", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(claims_to_be_ours(row.value, "mx.victim.example") == row.ours);
  }
  // Linear: what looks like words by the thousand.
  for (const char* piece : {"=?", "=?a?q?", "=?a?x? ", "=?x", "?=", "=?utf-8?q?a?= "}) {
    std::string value = "o.example; none ";
    while (value.size() < 60'000) value += piece;
    claims_to_be_ours(value, "mx.victim.example");
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
}

TEST_CASE("an authserv-id is unquoted, in lower case, without a trailing dot") {
  CHECK(parse_authserv_id(" (x) \"MX.Example\" 1; none") == "mx.example");
  CHECK(parse_authserv_id("mx.example.; none") == "mx.example");
  CHECK(parse_authserv_id("mx.example") == "mx.example");
  CHECK_FALSE(parse_authserv_id("mx.example x; none"));
}
