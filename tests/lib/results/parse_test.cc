#include <authmilter/authentication_results.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::AuthenticationResults;
using authmilter::parse_authentication_results;
using namespace std::string_literals;

namespace {

/// One line of all that was read: `id/version; method/version=result reason=[..]
/// ptype.property=[..]`.
std::string summary(const AuthenticationResults& results) {
  std::string out = results.authserv_id;
  if (!results.version.empty()) out += "/" + results.version;
  for (const auto& result : results.results) {
    out += "; " + result.method;
    if (!result.version.empty()) out += "/" + result.version;
    out += "=" + result.result;
    if (!result.reason.empty()) out += " reason=[" + result.reason + "]";
    for (const auto& property : result.properties)
      out += " " + property.ptype + "." + property.property + "=[" + property.value + "]";
  }
  return out;
}

std::string read(const std::string& value) {
  const auto results = parse_authentication_results(value);
  return results ? summary(*results) : "error: " + results.error().message;
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("the examples of RFC 8601 appendix B and section 2.7.6 are read") {
  const struct {
    const char* section;
    const char* value;
    const char* want;
  } rows[] = {
      {"B.2", " example.org 1; none", "example.org/1"},
      {"B.3", " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
       "example.com; spf=pass smtp.mailfrom=[example.net]"},
      {"B.4, first",
       " example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n          "
       "spf=pass smtp.mailfrom=example.net",
       "example.com; auth=pass smtp.auth=[sender@example.net]; spf=pass "
       "smtp.mailfrom=[example.net]"},
      {"B.4, second", " example.com; iprev=pass\r\n          policy.iprev=192.0.2.200",
       "example.com; iprev=pass policy.iprev=[192.0.2.200]"},
      {"B.5, first", " example.com;\r\n          dkim=pass (good signature) header.d=example.com",
       "example.com; dkim=pass header.d=[example.com]"},
      {"B.5, second",
       " example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.com;\r\n          "
       "spf=fail smtp.mailfrom=example.com",
       "example.com; auth=pass smtp.auth=[sender@example.com]; spf=fail "
       "smtp.mailfrom=[example.com]"},
      {"B.6, first",
       " example.com;\r\n      dkim=pass reason=\"good signature\"\r\n        "
       "header.i=@mail-router.example.net;\r\n      dkim=fail reason=\"bad signature\"\r\n        "
       "header.i=@newyork.example.com",
       "example.com; dkim=pass reason=[good signature] header.i=[@mail-router.example.net]; "
       "dkim=fail reason=[bad signature] header.i=[@newyork.example.com]"},
      {"B.6, second",
       " example.net;\r\n      dkim=pass (good signature) header.i=@newyork.example.com",
       "example.net; dkim=pass header.i=[@newyork.example.com]"},
      {"B.7",
       " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait "
       "for it) fail\r\n      policy (A dot can go here) . (like that) expired\r\n      (this "
       "surprised me) = (as I wasn't expecting it) 1362471462",
       "foo.example.net/1; dkim/1=fail policy.expired=[1362471462]"},
      {"2.7.6", " example.com;\r\n          foo=pass bar.baz=blob (2 of 3 tests OK)",
       "example.com; foo=pass bar.baz=[blob]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.section);
    CHECK(read(row.value) == row.want);
  }
}

TEST_CASE("every form of the grammar is read (RFC 8601 section 2.2, edge cases 95, 97, 100)") {
  const struct {
    std::string why;
    std::string value;
    const char* want;
  } rows[] = {
      {"no blanks", "a.example;spf=pass smtp.mailfrom=b.example;dmarc=fail",
       "a.example; spf=pass smtp.mailfrom=[b.example]; dmarc=fail"},
      {"the milter's folds", " a.example;\n\tspf=pass\n\tsmtp.mailfrom=b.example",
       "a.example; spf=pass smtp.mailfrom=[b.example]"},
      {"none", "a.example; none", "a.example"},
      {"none in upper case, and comments", "a.example (x) ; (y) NONE (z)", "a.example"},
      {"semicolon at the end", "a.example; spf=pass;", "a.example; spf=pass"},
      {"and blanks", "a.example; none ; \r\n ", "a.example"},
      {"a method may be called none", "a.example; none=pass", "a.example; none=pass"},
      {"comment before the id", "(x) a.example; none", "a.example"},
      {"quoted id", "\"a.example\"; none", "a.example"},
      {"quoted pair in the id", "\"a.e\\xample\" 1; none", "a.example/1"},
      {"id of UTF-8 (RFC 8616)",
       "b\xc3\xbc"
       "cher.example; none",
       "b\xc3\xbc"
       "cher.example"},
      {"id that is no domain", "my_server+1; none", "my_server+1"},
      {"keywords get lower case", "a.example; SPF=Pass SMTP.MailFrom=B.example",
       "a.example; spf=pass smtp.mailfrom=[B.example]"},
      {"unknown method", "a.example; x-foo=bar x.y=z", "a.example; x-foo=bar x.y=[z]"},
      {"underscore in a result", "a.example; dkim=perm_fail", "a.example; dkim=perm_fail"},
      {"method's version", "a.example; dkim/2=pass", "a.example; dkim/2=pass"},
      {"reason as a token", "a.example; spf=fail reason=bad", "a.example; spf=fail reason=[bad]"},
      {"reason in quotes", "a.example; spf=fail reason = \"a; b=c (d)\"",
       "a.example; spf=fail reason=[a; b=c (d)]"},
      {"reason is no type here", "a.example; spf=fail reason.x=y",
       "a.example; spf=fail reason.x=[y]"},
      {"comment as the only blank", "a.example; dmarc=pass(p=reject)header.from=b.example",
       "a.example; dmarc=pass header.from=[b.example]"},
      {"nested comment", "a.example; spf=pass (a (b (c)) \\) d) smtp.helo=b.example",
       "a.example; spf=pass smtp.helo=[b.example]"},
      {"semicolon in a comment", "a.example; spf=pass (; dkim=pass) smtp.helo=b.example",
       "a.example; spf=pass smtp.helo=[b.example]"},
      {"quoted value", "a.example; iprev=pass policy.iprev=\"2001:db8::1\"",
       "a.example; iprev=pass policy.iprev=[2001:db8::1]"},
      {"quotes and backslashes", "a.example; x=y a.b=\"\\\"\\\\\"", "a.example; x=y a.b=[\"\\]"},
      {"fold in a quoted value", "a.example; x=y a.b=\"c\r\n d\"", "a.example; x=y a.b=[c d]"},
      {"empty quoted value", "a.example; spf=none smtp.mailfrom=\"\"",
       "a.example; spf=none smtp.mailfrom=[]"},
      {"address", "a.example; spf=pass smtp.mailfrom=x.y@b.example",
       "a.example; spf=pass smtp.mailfrom=[x.y@b.example]"},
      {"address with marks", "a.example; spf=pass smtp.mailfrom=x+y=z/1@b.example",
       "a.example; spf=pass smtp.mailfrom=[x+y=z/1@b.example]"},
      {"quoted local part", "a.example; spf=pass smtp.mailfrom=\"x y\"@b.example",
       "a.example; spf=pass smtp.mailfrom=[\"x y\"@b.example]"},
      {"base64",
       "a.example; dkim=pass header.b=Qgi/Fo+=", "a.example; dkim=pass header.b=[Qgi/Fo+=]"},
      {"property without a type", "a.example; dmarc=none action=none header.from=b.example",
       "a.example; dmarc=none header.from=[b.example]"},
      {"reason among the properties means nothing", "a.example; spf=fail x.y=z reason=w",
       "a.example; spf=fail x.y=[z]"},
      {"comments to a depth of 19",
       "a.example; none " + std::string(19, '(') + std::string(19, ')'), "a.example"},
      {"comments to a depth of 20",
       "a.example; none " + std::string(20, '(') + std::string(20, ')'), "a.example"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(read(row.value) == row.want);
  }
}

TEST_CASE("what is no Authentication-Results field is an error (A122)") {
  const struct {
    std::string why;
    std::string value;
  } rows[] = {
      {"nothing", ""},
      {"blanks", " \r\n "},
      {"no id", "; none"},
      {"no results", "a.example"},
      {"nor behind the semicolon", "a.example;"},
      {"two words", "a.example b.example; none"},
      {"version that is no number", "a.example v1; none"},
      {"version and slash", "a.example/1; none"},
      {"method instead of the id", "spf=pass smtp.mailfrom=b.example"},
      {"missing semicolon after the id", "a.example spf=pass"},
      {"missing semicolon between results",
       "a.example; spf=pass dkim=pass header.d=b.example, dmarc=pass"},
      {"none and more", "a.example; none; spf=pass"},
      {"more and none", "a.example; spf=pass; none"},
      {"none with a property", "a.example; none x.y=z"},
      {"two semicolons", "a.example;; spf=pass"},
      {"no result", "a.example; spf"},
      {"no result behind '='", "a.example; spf="},
      {"no method", "a.example; =pass"},
      {"no method version", "a.example; spf/=pass"},
      {"text as method version", "a.example; spf/a=pass"},
      {"quoted method", "a.example; \"spf\"=pass"},
      {"quoted result", "a.example; spf=\"pass\""},
      {"no property", "a.example; spf=pass smtp.=x"},
      {"no type", "a.example; spf=pass .x=y"},
      {"no value", "a.example; spf=pass smtp.helo="},
      {"no value before the next result", "a.example; spf=pass smtp.helo=; dkim=pass"},
      {"no '='", "a.example; spf=pass smtp.helo"},
      {"address without a domain", "a.example; spf=pass smtp.mailfrom=x@"},
      {"address with two '@'", "a.example; spf=pass smtp.mailfrom=x@y@b.example"},
      {"IPv6 without quotes (edge case 97)", "a.example; iprev=pass policy.iprev=2001:db8::1"},
      {"no blank between properties", "a.example; spf=pass a.b=\"c\"d.e=f"},
      {"open quote", "a.example; spf=pass reason=\"x"},
      {"open quote in the id", "\"a.example; none"},
      {"backslash at the end", "a.example; spf=pass reason=\"x\\"},
      {"open comment", "a.example; spf=pass (x"},
      {"open comment before the id", "(a.example; none"},
      {"open comment after none", "a.example; none ("},
      {"comment that was not opened", "a.example; spf=pass x)"},
      {"comments to a depth of 21",
       "a.example; none " + std::string(21, '(') + std::string(21, ')')},
      {"64 KiB of them", "a.example; none " + std::string(65000, '(')},
      {"NUL", "a.example\0; none"s},
      {"control character in quotes", "a.example; spf=pass reason=\"\x01\""},
      {"control character in a comment", "a.example; spf=pass (\x1b)"},
      {"8 bits in a keyword", "a.example; sp\xc3\xbc=pass"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK_FALSE(parse_authentication_results(row.value));
  }
}

TEST_CASE("the limits of an Authentication-Results field (A122)") {
  CHECK(parse_authentication_results("a.example" + repeated("; spf=pass", 200)));
  CHECK_FALSE(parse_authentication_results("a.example" + repeated("; spf=pass", 201)));
  const std::string start = "a.example; none ";
  CHECK(parse_authentication_results(start + std::string(65536 - start.size(), ' ')));
  CHECK_FALSE(parse_authentication_results(start + std::string(65537 - start.size(), ' ')));
}

TEST_CASE("an error says what was missing, and where") {
  CHECK(read("a.example; spf") == "error: Authentication-Results: '=' expected at octet 14");
  CHECK(read("") == "error: Authentication-Results: authserv-id expected at octet 0");
}
