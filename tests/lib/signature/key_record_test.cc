#include "signature/key_record.h"

#include <doctest/doctest.h>

#include <string>

#include "dkim/reason.h"

using namespace authmilter;

namespace {

std::string reading(const std::string& text) {
  const auto result = read_key_record(text);
  if (!result) {
    const KeyRecordFault& fault = result.error();
    return (fault.kind == KeyRecordFault::Kind::other_record ? "other: " : "") +
           std::string(to_string(reason_of(fault.fault)));
  }
  const auto& record = *result;
  return std::string(to_string(record.type)) + " " + record.public_key +
         (record.testing ? " testing" : "") + (record.strict_identity ? " strict" : "");
}

}  // namespace

TEST_CASE("key records are read strictly (RFC 6376 section 3.6.1)") {
  const struct {
    std::string why;
    std::string text;
    const char* want;
  } rows[] = {
      {"the least", "p=AAAA", "rsa AAAA"},
      {"the usual", "v=DKIM1; k=rsa; p=AAAA", "rsa AAAA"},
      {"Ed25519 (RFC 8463 section 4)", "v=DKIM1; k=ed25519; p=AAAA", "ed25519 AAAA"},
      {"a semicolon at the end", "v=DKIM1; p=AAAA;", "rsa AAAA"},
      {"blanks in p= (edge case 37)", "v=DKIM1; p=AA\tA A", "rsa AAAA"},
      {"blanks at the end", "v=DKIM1; p=AAAA \t", "rsa AAAA"},
      {"a line end at the end", "v=DKIM1; p=AAAA\n", "rsa AAAA"},
      {"CR LF behind the last semicolon", "v=DKIM1; p=AAAA;\r\n", "rsa AAAA"},
      {"a line end in the middle (section 3.2)", "v=DKIM1;\n p=AAAA", "key-malformed"},
      {"notes, UTF-8 in them, old and unknown tags", "v=DKIM1; g=*; n=caf\xc3\xa9; zz=; p=AAAA",
       "rsa AAAA"},
      {"testing (A181)", "t=y; p=AAAA", "rsa AAAA testing"},
      {"strict", "t=s; p=AAAA", "rsa AAAA strict"},
      {"both, and one that nobody knows", "t=y : s:z; p=AAAA", "rsa AAAA testing strict"},
      {"h= with sha256", "h=sha1:sha256; p=AAAA", "rsa AAAA"},
      {"s=email", "s=email; p=AAAA", "rsa AAAA"},
      {"s=*", "s=tlsrpt:*; p=AAAA", "rsa AAAA"},

      {"revoked (edge case 43)", "v=DKIM1; p=", "key-revoked"},
      {"no p=", "v=DKIM1; k=rsa", "key-malformed"},
      {"v= is not the first (A89, edge case 46)", "p=AAAA; v=DKIM1", "key-malformed"},
      {"v= is the last of many (A241)", "k=rsa; t=s; p=AAAA; v=DKIM1", "key-malformed"},
      {"blanks before v=, which is the first", " v=DKIM1; p=AAAA", "rsa AAAA"},
      {"a duplicate", "v=DKIM1; p=AAAA; p=BBBB", "key-malformed"},
      {"v= twice (A241)", "v=DKIM1; v=DKIM1; p=AAAA", "key-malformed"},
      {"a good and a revoked p= (A241)", "v=DKIM1; p=; p=AAAA", "key-malformed"},
      {"two t= (A241)", "v=DKIM1; t=s; t=y; p=AAAA", "key-malformed"},
      {"two tags that nobody knows (A241)", "v=DKIM1; zz=1; zz=2; p=AAAA", "key-malformed"},
      {"tag names are case-sensitive, so P= is no second p=", "v=DKIM1; P=BBBB; p=AAAA",
       "rsa AAAA"},
      {"two semicolons", "v=DKIM1;; p=AAAA", "key-malformed"},
      {"escaped semicolons", "v=DKIM1\\; p=AAAA", "other: key-version-unknown"},
      {"k= that nobody knows", "k=dsa; p=AAAA", "key-type-unknown"},
      {"k= is case-sensitive", "k=RSA; p=AAAA", "key-type-unknown"},
      {"h=sha1 only (A89)", "h=sha1; p=AAAA", "key-hash-not-allowed"},
      {"an empty h=", "h=; p=AAAA", "key-hash-not-allowed"},
      {"s=tlsrpt (edge case 42)", "s=tlsrpt; p=AAAA", "key-not-for-mail"},
      {"s=emails", "s=emails; p=AAAA", "key-not-for-mail"},

      {"another version", "v=DKIM2; p=AAAA", "other: key-version-unknown"},
      {"v=dkim1", "v=dkim1; p=AAAA", "other: key-version-unknown"},
      {"an SPF record under a wildcard", "v=spf1 -all", "other: key-version-unknown"},
      {"a DMARC record", "v=DMARC1; p=none", "other: key-version-unknown"},
      {"text", "hello", "other: key-malformed"},
      {"empty", "", "other: key-malformed"},
      {"P= is another tag", "P=AAAA", "other: key-malformed"},
  };
  for (const auto& row : rows) {
    const std::string why = row.why;
    CAPTURE(why);
    CHECK(reading(row.text) == row.want);
  }
}

TEST_CASE("the size of a key record is bounded (A90)") {
  const std::string start = "v=DKIM1; p=AAAA; n=";
  CHECK(reading(start + std::string(8191 - start.size(), 'n')) == "rsa AAAA");
  CHECK(reading(start + std::string(8192 - start.size(), 'n')) == "rsa AAAA");
  CHECK(reading(start + std::string(8193 - start.size(), 'n')) == "key-record-too-long");
  CHECK(reading("p=" + std::string(4096, 'A')) == "rsa " + std::string(4096, 'A'));
  CHECK(reading("p=" + std::string(4097, 'A')) == "key-record-too-long");
}
