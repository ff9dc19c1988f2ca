#include "spf_fixture.h"

#include <doctest/doctest.h>

#include <string>

using namespace spf_test;

TEST_CASE("explanations of a fail (RFC 7208 section 6.2), edge case 12, A54, A67") {
  const std::string main = txt("example.org", "v=spf1 -all exp=e.example");
  const struct {
    std::string why;
    std::string zone;
    std::string explanation;
  } rows[] = {
      {"plain", main + txt("e.example", "See  me."), "See  me."},
      {"strings are joined", main + "e.example. TXT \"one \" \"two\"\n", "one two"},
      {"macros, those of explanations too",
       main + txt("e.example", "%{c} %{i} %{r} %{t} %{l} %{o} %{d} %{h} %{p} 100%%"),
       "192.0.2.1 192.0.2.1 mx.example.net 1700000000 user example.org example.org "
       "mail.example.org unknown 100%"},
      {"macros in the name",
       txt("example.org", "v=spf1 -all exp=%{ir}.e.example") + txt("1.2.0.192.e.example", "yes"),
       "yes"},
      {"no record", main, ""},
      {"no TXT", main + "e.example. A 192.0.2.1\n", ""},
      {"two records", main + txt("e.example", "a") + txt("e.example", "b"), ""},
      {"syntax error", main + txt("e.example", "The %{x}-files"), ""},
      {"stray percent", main + txt("e.example", "100%"), ""},
      {"A67: line end", main + txt("e.example", "bad\r\nX-Injected: yes"), ""},
      {"beyond ASCII",
       main + txt("e.example",
                  "\xef\xbb\xbf"
                  "Explanation"),
       ""},
      {"NUL", main + txt("e.example", std::string("a\0b", 3)), ""},
      {"A67: at most 200 octets", main + txt("e.example", repeat(60, "1234567890")),
       repeat(20, "1234567890")},
      {"A54: a text made of macros",
       main + txt("e.example", repeat(42, "a%{d}") + "%{d}" + repeat(60, "A")),
       repeat(42, "aexample.org").substr(0, 200)},
      {"a name that cannot be asked for", txt("example.org", "v=spf1 -all exp=a..e.example"), ""},
      {"of a redirect, the target's",
       txt("example.org", "v=spf1 exp=e.example redirect=r.example") +
           txt("r.example", "v=spf1 -all exp=r.e.example") + txt("e.example", "no") +
           txt("r.e.example", "%{d} %{o}"),
       "r.example example.org"},
      {"of a redirect, not the redirecting record's",
       txt("example.org", "v=spf1 exp=e.example redirect=r.example") +
           txt("r.example", "v=spf1 -all") + txt("e.example", "no"),
       ""},
      {"not the included record's",
       txt("example.org", "v=spf1 include:i.example -all") +
           txt("i.example", "v=spf1 -all exp=e.example") + txt("e.example", "no"),
       ""},
      {"nor when that matched",
       txt("example.org", "v=spf1 -include:i.example exp=e.example") +
           txt("i.example", "v=spf1 +all exp=no.example") + txt("e.example", "yes") +
           txt("no.example", "no"),
       "yes"},
      {"only of a fail", txt("example.org", "v=spf1 ~all exp=e.example") + txt("e.example", "no"),
       ""},
      {"its lookups count for nothing",
       txt("example.org", "v=spf1 a:v1.example a:v2.example -all exp=e.example"), ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto outcome = check(row.zone);
    CHECK(outcome.explanation == row.explanation);
    CHECK(outcome.result == (row.why == "only of a fail" ? SpfResult::softfail : SpfResult::fail));
  }
}

TEST_CASE("edge case 12: a DNS error at the explanation changes no result") {
  const auto outcome = check(txt("example.org", "v=spf1 -all exp=e.example"), {},
                             {{"e.example", DnsFault::timeout}});
  CHECK(told(outcome) == "fail");
  CHECK(outcome.explanation == "");
}

TEST_CASE("A67: what a sender says gets into an explanation as printable ASCII or not at all") {
  const std::string zone = txt("example.org", "v=spf1 -all exp=e.example");
  const struct {
    std::string why;
    std::string text;
    std::string mail_from;
    std::string helo;
    std::string explanation;
  } rows[] = {
      {"HELO", "%{h}", "user@example.org", "a\r\nb", ""},
      {"HELO, escaped", "%{H}", "user@example.org", "a\r\nb", "a%0D%0Ab"},
      {"local part", "%{l}", "\xc3\xbc@example.org", "x", ""},
      {"percent stays percent", "%{l}", "%n%s@example.org", "x", "%n%s"},
      {"unquoted", "%{l}", "\"Macro Error\"@example.org", "x", "Macro Error"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto outcome =
        check(zone + txt("e.example", row.text), {.mail_from = row.mail_from, .helo = row.helo});
    CHECK(told(outcome) == "fail");
    CHECK(outcome.explanation == row.explanation);
  }
}
