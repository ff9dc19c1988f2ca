#include "arc/fields.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

namespace {

const std::string kBodyHash = "bh=KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5pvjXFZYLQ=;";
const std::string kSeal = " i=1; a=rsa-sha256; cv=none; d=example.org; s=s; t=12345; b=AAAA";
const std::string kSignature =
    " i=1; a=rsa-sha256; d=example.org; s=s; t=12345; h=from; " + kBodyHash + " b=AAAA";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("the tags of a seal (RFC 8617 section 4.1.3, A132, edge case 76)") {
  const struct {
    std::string why;
    std::string value;
    std::string fault;  // empty: it can be used
  } rows[] = {
      {"as RFC 8617 has it", kSeal, ""},
      {"ed25519", replaced(kSeal, "rsa", "ed25519"), ""},
      {"folded, with blanks at the semicolons", replaced(kSeal, "; d", " ;\r\n\td"), ""},
      {"t= may be missing", replaced(kSeal, "t=12345; ", ""), ""},
      {"unknown tags are ignored", kSeal + "; x=y; v=1", ""},
      {"cv=pass and cv=fail", replaced(kSeal, "none", "fail"), ""},
      {"c= of an early draft", kSeal + "; c=relaxed", ""},
      {"simple it is never", kSeal + "; c=simple/simple", "c="},
      {"no list of tags", " i=1;; a=rsa-sha256", "tag list"},
      {"a tag twice", kSeal + "; cv=none", "tag list"},
      {"longer than any seal", kSeal + "; x=" + std::string(16384, 'x'), "length"},
      {"it covers no fields of its choice: h= is a fail", kSeal + "; h=from", "h="},
      {"and no body", kSeal + "; " + kBodyHash, "bh="},
      {"no i=", replaced(kSeal, " i=1;", ""), "i="},
      {"a= of SHA-1 (RFC 8301 section 3.1)", replaced(kSeal, "sha256", "sha1"), "a="},
      {"values have their case", replaced(kSeal, "none", "None"), "cv="},
      {"no cv=", replaced(kSeal, "cv=none;", ""), "cv="},
      {"an empty cv=", replaced(kSeal, "cv=none", "cv="), "cv="},
      {"d= that is no domain name", replaced(kSeal, "d=example.org", "d=***"), "d="},
      {"d= of one label", replaced(kSeal, "d=example.org", "d=org"), "d="},
      {"d= that is nobody's to ask a public resolver for",
       replaced(kSeal, "example.org", "a.local"), "d="},
      {"an empty s=", replaced(kSeal, "s=s", "s="), "s="},
      {"b= that is not base64", replaced(kSeal, "AAAA", "A!AA"), "b="},
      {"an empty b=", replaced(kSeal, "AAAA", ""), "b="},
      {"t= that is no number", replaced(kSeal, "12345", "12 345"), "t="},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto read = read_seal(row.value);
    CHECK(std::string(read ? "" : read.error().what) == row.fault);
  }
}

TEST_CASE("what a seal says of itself, whatever else is wrong with it") {
  const auto claim = [](const std::string& value) {
    const auto read = read_seal_claim(value);
    if (!read) return std::string("nothing");
    return std::to_string(read->instance) + " " +
           std::string(read->chain ? to_string(*read->chain) : "-");
  };
  CHECK(claim(kSeal) == "1 none");
  CHECK(claim(" i=3; cv=fail") == "3 fail");
  CHECK(claim(" i=3; cv=fail; h=from; d=***") == "3 fail");
  CHECK(claim(" i=3; cv=Fail") == "3 -");
  CHECK(claim(" i=50") == "50 -");
  for (const char* value : {"", " cv=fail", " i=0; cv=fail", " i=01", " i=51", " i=1; i=2",
                            " i=1;; cv=fail", " i=x; cv=fail"}) {
    CAPTURE(value);
    CHECK(claim(value) == "nothing");
  }
  CHECK(claim(" i=1; x=" + std::string(16384, 'x')) == "nothing");
}

TEST_CASE("the tags of a message signature (RFC 8617 section 4.1.2)") {
  const struct {
    std::string why;
    std::string value;
    std::string fault;  // "-": not even an instance
  } rows[] = {
      {"as RFC 8617 has it", kSignature, ""},
      {"h= may be empty", replaced(kSignature, "h=from", "h="), ""},
      {"and have empty names in it", replaced(kSignature, "h=from", "h=from::to"), ""},
      {"it may cover other message signatures",
       replaced(kSignature, "h=from", "h=from:arc-message-signature"), ""},
      {"never a seal, in no case", replaced(kSignature, "h=from", "h=from:ARC-Seal"), "h="},
      {"no h=", replaced(kSignature, "h=from; ", ""), "h="},
      {"c= is simple/simple where it is missing (edge case 77)", kSignature + "; c=relaxed/relaxed",
       ""},
      {"an empty c=", kSignature + "; c=", "c="},
      {"no bh=", replaced(kSignature, kBodyHash, ""), "bh="},
      {"l=, behind which anything may stand (A132)", kSignature + "; l=10", "l="},
      {"x= before t=", kSignature + "; x=12345", "x="},
      {"x= behind t=", kSignature + "; x=12346", ""},
      {"no i=", replaced(kSignature, " i=1;", ""), "-"},
      {"a tag twice", kSignature + "; d=example.net", "-"},
      {"a= of SHA-1, which only makes it useless", replaced(kSignature, "sha256", "sha1"), "a="},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto read = read_message_signature(row.value);
    const std::string fault =
        !read ? "-" : std::string(read->signature ? "" : read->signature.error().what);
    CHECK(fault == row.fault);
  }
}

TEST_CASE("an instance is a number from 1 to 50 (RFC 8617 section 4.2.1, A130)") {
  const struct {
    const char* text;
    unsigned instance;  // 0: none
  } rows[] = {{"1", 1},   {"9", 9},  {"10", 10}, {"50", 50}, {"51", 0},        {"99", 0}, {"0", 0},
              {"00", 0},  {"01", 0}, {"+1", 0},  {"-1", 0},  {"1.0", 0},       {"1a", 0}, {"", 0},
              {"100", 0}, {"a", 0},  {"1 2", 0}, {"0x1", 0}, {"2147483648", 0}};
  for (const auto& row : rows) {
    const std::string text = row.text;
    CAPTURE(text);
    const auto seal = read_seal(replaced(kSeal, "i=1", "i=" + text));
    CHECK((seal ? seal->instance : 0) == row.instance);
    const auto signature = read_message_signature(replaced(kSignature, "i=1", "i=" + text));
    CHECK((signature ? signature->instance : 0) == row.instance);
    const auto results = read_arc_results(" i=" + text + "; mx.example.org; none");
    CHECK((results ? results->instance : 0) == row.instance);
  }
}

TEST_CASE("results begin with an instance (RFC 8617 section 4.1.1, A133, edge case 79)") {
  const struct {
    std::string why;
    std::string value;
    std::string read;  // "1 mx.example.org dmarc=pass", "1 -", or empty: not one
  } rows[] = {
      {"as RFC 8617 has it", " i=1; mx.example.org; dmarc=pass", "1 mx.example.org dmarc=pass"},
      {"blanks and comments where they may stand",
       "\r\n\t(c) i (c) =\r\n 12 (c) ;(c) mx.example.org 1;\r\n\tdmarc=pass (p=none)",
       "12 mx.example.org dmarc=pass"},
      {"no methods", " i=1; mx.example.org; none", "1 mx.example.org"},
      {"whose results nobody can read", " i=1; mx.example.org; dmarc", "1 -"},
      {"nothing behind the instance", " i=1;", "1 -"},
      {"a method without a name", " i=1; mx.example.org; (null)=pass", "1 -"},
      {"a very long token", " i=1; mx.example.org; dmarc=" + std::string(600, 'p'),
       "1 mx.example.org dmarc=" + std::string(600, 'p')},
      {"no semicolon", " i=1 mx.example.org; dmarc=pass", ""},
      {"not in front", " mx.example.org; i=1; dmarc=pass", ""},
      {"in capitals", " I=1; mx.example.org; dmarc=pass", ""},
      {"a comment that does not end", " i=1 (; mx.example.org; dmarc=pass", ""},
      {"nothing", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto field = read_arc_results(row.value);
    std::string read;
    if (field) {
      read = std::to_string(field->instance) + " " +
             (field->results ? field->results->authserv_id : "-");
      if (field->results) {
        for (const auto& one : field->results->results) read += " " + one.method + "=" + one.result;
      }
    }
    CHECK(read == row.read);
  }
}
