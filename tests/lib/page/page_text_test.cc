#include "page/page_text.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

TEST_CASE("text in HTML and in a script element") {
  CHECK(html_text("a<b>&\"'\n") == "a&lt;b&gt;&amp;&quot;&#39; ");
  CHECK(json_text("</script>\"\\\n") == "\"\\u003c/script\\u003e\\\"\\\\\\u000a\"");
  CHECK(json_text("a\xe2\x80\xa8z\xe2\x80\xa9") == "\"a\\u2028z\\u2029\"");
  CHECK(json_text("žluťoučký\xe2\x80\xa6") == "\"žluťoučký\xe2\x80\xa6\"");
}

TEST_CASE("octets that are not UTF-8 are replaced") {
  CHECK(valid_utf8("žluťoučký") == "žluťoučký");
  CHECK(valid_utf8("a\xff"
                   "b\xc3") ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd");
  CHECK(valid_utf8("").empty());
}

TEST_CASE("a field of CSV is quoted, and a formula is text") {
  CHECK(csv_field("a,b \"c\"") == "\"a,b \"\"c\"\"\"");
  CHECK(csv_field("=HYPERLINK(1)") == "\"'=HYPERLINK(1)\"");
  CHECK(csv_field("-all") == "\"'-all\"");
  CHECK(csv_field("v=spf1 -all") == "\"v=spf1 -all\"");
  CHECK(csv_field("") == "\"\"");
}

TEST_CASE("a page's policy names what is in it, and nothing else") {
  const std::string policy = content_security_policy("a{}", "");
  CHECK(policy.find("default-src 'none'") != std::string::npos);
  CHECK(policy.find("style-src 'sha256-") != std::string::npos);
  CHECK(policy.find("script-src 'none'") != std::string::npos);
}

TEST_CASE("numbers in groups") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(18'446'744'073'709'551'615U) == "18,446,744,073,709,551,615");
}
