#include <authmilter/authentication_results.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using authmilter::AuthenticationResults;
using authmilter::compose;
using authmilter::MethodResult;
using authmilter::parse_authentication_results;
using namespace std::string_literals;

namespace {

/// The longest line with a tab counted as eight columns and the field's name before the first.
std::size_t widest_line(const std::string& value) {
  std::size_t widest = 0;
  std::size_t column = std::string_view("Authentication-Results: ").size();
  for (const char c : value) {
    if (c == '\n') {
      column = 0;
    } else {
      column += c == '\t' ? 8 : 1;
    }
    widest = std::max(widest, column);
  }
  return widest;
}

/// `x=y a.b=value`, and only what stands for the value.
std::string composed_value(const std::string& value) {
  const std::string text = compose({"a", "", {{"x", "", "y", "", "", {{"a", "b", value}}}}});
  const std::string start = "a;\n\tx=y a.b=";
  REQUIRE(text.starts_with(start));
  return text.substr(start.size());
}

}  // namespace

TEST_CASE("a field has a line for each result and property where it fits (RFC 8601 section 2.2)") {
  const struct {
    std::string why;
    AuthenticationResults results;
    std::string want;
  } rows[] = {
      {"nothing was done (edge case 98)", {"mx.example.org", "", {}}, "mx.example.org; none"},
      {"version", {"mx.example.org", "1", {}}, "mx.example.org 1; none"},
      {"one result",
       {"mx.example.org", "", {{"spf", "", "pass", "", "", {{"smtp", "mailfrom", "example.net"}}}}},
       "mx.example.org;\n\tspf=pass smtp.mailfrom=example.net"},
      {"several",
       {"mx.example.org", "", {{"spf", "", "none"}, {"dkim", "2", "none"}}},
       "mx.example.org;\n\tspf=none;\n\tdkim/2=none"},
      {"everything",
       {"mx.example.org",
        "",
        {{"dkim",
          "",
          "fail",
          "bad signature",
          "key of 1024 bits",
          {{"header", "d", "example.net"}, {"header", "b", "Qgi/FoC0"}}}}},
       "mx.example.org;\n\tdkim=fail reason=\"bad signature\" (key of 1024 "
       "bits)\n\theader.d=example.net header.b=\"Qgi/FoC0\""},
      {"comments fold",
       {"mx.example.org",
        "",
        {{"dkim", "", "fail", "",
          "a comment that is as long as comments should not be in any field"}}},
       "mx.example.org;\n\tdkim=fail (a comment that is as long as comments should not be in "
       "any\n\tfield)"},
      {"a value too long for a line has its own",
       {"mx.example.org",
        "",
        {{"spf",
          "",
          "pass",
          "",
          "",
          {{"smtp", "mailfrom", std::string(80, 'a')}, {"smtp", "helo", "b"}}}}},
       "mx.example.org;\n\tspf=pass\n\tsmtp.mailfrom=" + std::string(80, 'a') + "\n\tsmtp.helo=b"},
      {"id that is no token", {"my server", "", {}}, "\"my server\"; none"},
      {"id without text", {"", "", {}}, "\"\"; none"},
      {"keywords get lower case",
       {"a", "", {{"SPF", "", "Pass", "", "", {{"SMTP", "MailFrom", "B"}}}}},
       "a;\n\tspf=pass smtp.mailfrom=B"},
      {"what is no keyword",
       {"a", "", {{"s;p=f", "x", "", "", "", {{"a.b", "\r\n", "c"}}}}},
       "a;\n\ts_p_f=_ a_b.__=c"},
      {"version that is no number", {"a", "1; spf=pass", {}}, "a; none"},
      {"hostile comment (A123)",
       {"a", "", {{"spf", "", "fail", "", "x) (\\; dmarc=pass\r\nX: y\0\xffz"s}}},
       "a;\n\tspf=fail (x] [/; dmarc=pass??X: y??z)"},
      {"comment of blanks", {"a", "", {{"spf", "", "fail", "", "  "}}}, "a;\n\tspf=fail ( )"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(compose(row.results) == row.want);
  }
}

TEST_CASE(
    "values that are no token are quoted (RFC 8601 section 2.2, A43, A77, A123, edge cases 70, 95 "
    "to 97)") {
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"domain", "example.org", "example.org"},
      {"address", "x.y+z@example.org", "x.y+z@example.org"},
      {"domain of an address", "@example.org", "@example.org"},
      {"IPv4", "192.0.2.1", "192.0.2.1"},
      {"IPv6", "2001:db8::1", "\"2001:db8::1\""},
      {"base64", "ab+/c=", "\"ab+/c=\""},
      {"nothing", "", "\"\""},
      {"'@' alone", "@", "\"@\""},
      {"no domain", "x@", "\"x@\""},
      {"two '@'", "x@y@example.org", "\"x@y@example.org\""},
      {"quoted local part", "\"x y\"@example.org", "\"\\\"x y\\\"@example.org\""},
      {"address with '='", "x=y@example.org", "\"x=y@example.org\""},
      {"address literal", "x@[192.0.2.1]", "\"x@[192.0.2.1]\""},
      {"blank", "a b", "\"a b\""},
      {"result behind it", "x; dmarc=pass", "\"x; dmarc=pass\""},
      {"quote and backslash", "\\\"", "\"\\\\\\\"\""},
      {"comment", "a.example(.b.example", "\"a.example(.b.example\""},
      {"apostrophe is a token character", "a.example'.b.example", "a.example'.b.example"},
      {"line end (A124)", "x\r\nFrom: y", "\"x??From: y\""},
      {"NUL", "x\0y"s, "\"x?y\""},
      {"tab", "x\ty", "\"x?y\""},
      {"UTF-8", "b\xc3\xbc", "\"b??\""},
      {"UTF-8 in an address", "x@b\xc3\xbc", "\"x@b??\""},
      {"DEL", "\x7f", "\"?\""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(composed_value(row.value) == row.want);
  }
}

namespace {

/// Results out of strings that try to be more than a value.
class HostileGenerator {
 public:
  explicit HostileGenerator(std::uint32_t seed) : random_(seed) {}

  AuthenticationResults results() {
    AuthenticationResults made;
    made.authserv_id = text();
    made.version = text();
    for (std::size_t n = below(4); n > 0; --n) {
      MethodResult result{text(), text(), text(), text(), text()};
      for (std::size_t m = below(4); m > 0; --m)
        result.properties.push_back({text(), text(), text()});
      made.results.push_back(std::move(result));
    }
    return made;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::string text() {
    static const std::vector<std::string> kPieces = {
        "example.org",
        "pass",
        "none",
        "spf",
        "dkim",
        "1",
        "a",
        "Z",
        "0",
        "-",
        "_",
        "reason",
        "reason=",
        ";",
        "; dmarc=pass",
        "=",
        ".",
        "@",
        "/",
        "\\",
        "\"",
        "(",
        ")",
        "((",
        ",",
        ":",
        "<",
        ">",
        "[",
        "]",
        "?",
        " ",
        "  ",
        "\t",
        "\r",
        "\n",
        "\r\n",
        "\r\n ",
        "\n\t",
        "\r\nFrom: a@b.example\r\n",
        std::string(1, '\0'),
        "\x7f",
        "\x80",
        "\xff",
        "\xc3\xbc",
        "\xe3\x80\x82",
        "=?utf-8?q?=22?=",
        std::string(70, 'x'),
        std::string(300, 'y'),
        "a b c d e f g h i j k l m n o p q r s t u v w x y z"};
    std::string made;
    for (std::size_t n = below(6); n > 0; --n) made += kPieces[below(kPieces.size())];
    return made;
  }

  std::mt19937 random_;
};

bool printable(char c) { return c >= ' ' && c <= '~'; }

/// What `compose` documents to write instead of the strings that were given.
std::string as_value(std::string text) {
  for (char& c : text)
    if (!printable(c)) c = '?';
  return text;
}

std::string as_keyword(const std::string& text) {
  constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kKept = "abcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string keyword;
  for (const char c : text) {
    const std::size_t upper = kUpper.find(c);
    if (upper != std::string_view::npos)
      keyword += kKept[upper];
    else
      keyword += kKept.find(c) != std::string_view::npos ? c : '_';
  }
  return keyword.empty() ? "_" : keyword;
}

std::string as_version(const std::string& text) {
  return text.find_first_not_of("0123456789") == std::string::npos ? text : "";
}

}  // namespace

TEST_CASE("what is read back is what was written, whatever it was (A123, A124)") {
  constexpr std::uint32_t kCases = 5000;
  for (std::uint32_t seed = 0; seed < kCases; ++seed) {
    CAPTURE(seed);
    const auto results = HostileGenerator(seed).results();
    const std::string value = compose(results);
    CAPTURE(value);
    for (std::size_t at = 0; at < value.size(); ++at) {
      if (printable(value[at])) continue;
      REQUIRE(value.substr(at, 2) == "\n\t");
      REQUIRE(at + 2 < value.size());
      REQUIRE(printable(value[at + 2]));
      ++at;
    }
    const auto read = parse_authentication_results(value);
    REQUIRE(read);
    REQUIRE(read->authserv_id == as_value(results.authserv_id));
    REQUIRE(read->version == as_version(results.version));
    REQUIRE(read->results.size() == results.results.size());
    for (std::size_t i = 0; i < results.results.size(); ++i) {
      const auto& want = results.results[i];
      const auto& got = read->results[i];
      REQUIRE(got.method == as_keyword(want.method));
      REQUIRE(got.version == as_version(want.version));
      REQUIRE(got.result == as_keyword(want.result));
      REQUIRE(got.reason == as_value(want.reason));
      REQUIRE(got.properties.size() == want.properties.size());
      for (std::size_t j = 0; j < want.properties.size(); ++j) {
        REQUIRE(got.properties[j].ptype == as_keyword(want.properties[j].ptype));
        REQUIRE(got.properties[j].property == as_keyword(want.properties[j].property));
        REQUIRE(got.properties[j].value == as_value(want.properties[j].value));
      }
    }
  }
}

TEST_CASE("no line is wider than 78 columns unless a single word is (RFC 5322 section 2.1.1)") {
  for (std::size_t size = 1; size <= 54; ++size) {
    CAPTURE(size);
    const std::string value(size, 'v');
    const auto text = compose(
        {"mx.example.org",
         "1",
         {{"dkim",
           "",
           "fail",
           value,
           "a comment of some words",
           {{"header", "d", value}, {"header", "s", "s"}}},
          {"spf", "", "pass", "", "", {{"smtp", "mailfrom", value}, {"smtp", "helo", value}}}}});
    CHECK(widest_line(text) <= 78);
  }
}
