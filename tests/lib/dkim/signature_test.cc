#include "dkim/signature.h"

#include <doctest/doctest.h>

#include <string>

#include "base/ascii.h"

using namespace authmilter;

namespace {

constexpr const char* kBodyHash = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";

/// A good signature with one tag set to another value ("d=x"), left out ("-d") or added.
std::string with(const std::string& change) {
  std::string out;
  bool used = change.empty();
  const std::string name = change.substr(change.starts_with('-') ? 1 : 0, change.find('='));
  for (const std::string tag : {"v=1", "a=rsa-sha256", "c=relaxed/relaxed", "d=example.org",
                                "s=sel", "h=from:to", "bh=*", "b=AAAA"}) {
    if (tag.substr(0, tag.find('=')) == name) {
      used = true;
      if (!change.starts_with('-')) out += change + "; ";
    } else if (tag == "bh=*") {
      out += std::string("bh=") + kBodyHash + "; ";
    } else {
      out += tag + "; ";
    }
  }
  return used ? out : out + change;
}

std::string words(DkimResult result, const Reason<DkimReason>& reason) {
  return std::string(to_string(result)) + " " + reason.text();
}

std::string verdict(const std::string& value) {
  const auto field = read_signature(value);
  return field.signature ? "usable" : words(field.outcome.result, field.outcome.reason);
}

std::string names(std::size_t count) {
  std::string out = "h=from";
  while (--count > 0) out += ":x";
  return out;
}

}  // namespace

TEST_CASE("a signature is checked before anything else reads it (RFC 6376 section 6.1.1)") {
  const struct {
    std::string why;
    std::string value;
    const char* want;
  } rows[] = {
      {"as it should be", with(""), "usable"},
      {"tags that nobody knows (edge case 36)", with("zzz=1"), "usable"},

      {"garbage (A98)", "garbage", "neutral malformed-tag-list"},
      {"MIME-encoded (A98)", "=?utf-8?q?v=3D1;?=", "neutral malformed-tag-list"},
      {"empty", "", "neutral malformed-tag-list"},
      {"two d= (A79)", with("") + "d=attack.example", "neutral duplicate-tag"},
      {"two b= (A79)", with("") + "b=AAAA", "neutral duplicate-tag"},
      {"two h= (A79)", with("") + "h=from", "neutral duplicate-tag"},

      {"no v= (edge case 38)", with("-v"), "permerror missing-v"},
      {"v=2", with("v=2"), "permerror unsupported-version"},
      {"v=DKIM1", with("v=DKIM1"), "permerror unsupported-version"},
      {"v=1 with blanks (A80)", with("v= 1 "), "usable"},
      {"no a=", with("-a"), "permerror missing-a"},
      {"rsa-sha1 (A89, edge case 48, RFC 8301 section 3.1)", with("a=rsa-sha1"),
       "permerror algorithm-not-allowed"},
      {"unknown algorithm", with("a=rsa-sha512"), "neutral unknown-algorithm"},
      {"values are case-sensitive", with("a=RSA-SHA256"), "neutral unknown-algorithm"},
      {"Ed25519", with("a=ed25519-sha256"), "usable"},

      {"no d=", with("-d"), "permerror missing-d"},
      {"NUL (A75)", with(std::string("s=sel.\0x", 8)), "neutral malformed-tag-list"},
      {"a quote in d= (A77)", with("d=legitimate.example'a.attack.example"), "neutral bad-domain"},
      {"a parenthesis in d= (A77)", with("d=legitimate.example(.attack.example"),
       "neutral bad-domain"},
      {"a double quote in d= (A77)", with("d=legitimate.example\".attack.example"),
       "neutral bad-domain"},
      {"a semicolon in d= ends it (A77)", with("d=a.example;dmarc=pass"), "usable"},
      {"d= of one label (A78, edge case 65)", with("d=com"), "neutral bad-domain"},
      {"d=. (A78)", with("d=."), "neutral bad-domain"},
      {"d=..com (A78)", with("d=..com"), "neutral bad-domain"},
      {"a trailing dot", with("d=example.org."), "neutral bad-domain"},
      {"a fold in d= (A80)", with("d=exam\r\n ple.org"), "neutral bad-domain"},
      {"an address", with("d=192.0.2.1"), "neutral bad-domain"},
      {"what a macro or a format might be (edge case 71)", with("d=${run{x}}.example"),
       "neutral bad-domain"},
      {"another (edge case 71)", with("d=%n%s.example"), "neutral bad-domain"},
      {"in s= (edge case 71)", with("s=%n%s"), "neutral bad-selector"},
      {"upper case", with("d=EXAMPLE.Org"), "usable"},
      {"U-labels (RFC 8616, edge case 66)",
       with("d=b\xc3\xbc"
            "cher.example"),
       "usable"},
      {"a private name (A103)", with("d=ns.internal"), "permerror domain-not-public"},
      {"another (A103)", with("d=printer.local"), "permerror domain-not-public"},
      {"local is no label to fear elsewhere", with("d=local.example"), "usable"},

      {"no s=", with("-s"), "permerror missing-s"},
      {"a selector of digits", with("s=20230601"), "usable"},
      {"of several labels", with("s=a.b.2024"), "usable"},
      {"with an underscore", with("s=a_b"), "usable"},
      {"escapes (A76)", with("s=a\\.b"), "neutral bad-selector"},
      {"\\000 (A76)", with("s=sel._domainkey.attack.example.\\000.any"), "neutral bad-selector"},
      {"an asterisk (A76)", with("s=*"), "neutral bad-selector"},
      {"a path (A76)", with("s=../x"), "neutral bad-selector"},
      {"a blank (A76)", with("s=a b"), "neutral bad-selector"},
      {"empty", with("s="), "neutral bad-selector"},
      {"so long that no name holds it (A76)",
       with("s=" + std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') +
            "." + std::string(41, 'a')),
       "neutral bad-selector"},

      {"no h=", with("-h"), "permerror missing-h"},
      {"From is not signed (edge case 30)", with("h=to:subject"), "permerror from-not-signed"},
      {"From in any case", with("h=Subject : FROM"), "usable"},
      {"an empty element (A94)", with("h=from::to"), "neutral bad-signed-names"},
      {"a colon at the end (A94)", with("h=from:"), "neutral bad-signed-names"},
      {"empty (A94)", with("h="), "neutral bad-signed-names"},
      {"a blank in a name", with("h=from:re ply"), "neutral bad-signed-names"},
      {"199 names (A94)", with(names(199)), "usable"},
      {"200 names (A94)", with(names(200)), "usable"},
      {"201 names (A94)", with(names(201)), "neutral too-many-signed-names"},
      {"100000 colons (edge case 50)", with("h=from" + std::string(9000, ':')),
       "neutral too-many-signed-names"},
      {"4000 octets of names", with("h=from:" + std::string(3995, 'x')), "usable"},
      {"4001 octets", with("h=from:" + std::string(3996, 'x')), "neutral too-many-signed-names"},

      {"no bh=", with("-bh"), "permerror missing-bh"},
      {"bh= with folds (edge case 37)",
       with("bh=2jUSOH9NhtVGCQWNr9\r\n BrIAPreKQjO6Sn7XIkfJVOzv8 ="), "usable"},
      {"bh= of 31 octets (edge case 53)", with("bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzg=="),
       "neutral bad-body-hash"},
      {"bh= of SHA-1", with("bh=RsLNSbwxeclZPWwO/BtDFQc1k0E="), "neutral bad-body-hash"},
      {"bh= of 33 octets (A237)", with("bh=" + std::string(44, 'A')), "neutral bad-body-hash"},
      {"bh= of 12,000 octets (A237)", with("bh=" + std::string(16'000, 'A')),
       "neutral bad-body-hash"},
      {"bh= that is no base64", with("bh=!!"), "neutral bad-body-hash"},
      {"no b=", with("-b"), "permerror missing-b"},
      {"an empty b=", with("b="), "neutral bad-signature-value"},
      {"b= that is no base64", with("b=A(A"), "neutral bad-signature-value"},
      {"b= without its padding", with("b=AAA"), "neutral bad-signature-value"},
      {"b= of 1024 octets", with("b=" + std::string(1364, 'A') + "AA=="), "usable"},
      {"b= of 1023 octets", with("b=" + std::string(1364, 'A')), "usable"},
      {"b= of 1025 octets", with("b=" + std::string(1367, 'A') + "="),
       "neutral bad-signature-value"},
      {"b= of 1026 octets", with("b=" + std::string(1368, 'A')), "neutral bad-signature-value"},

      {"no c=", with("-c"), "usable"},
      {"c=relaxed (edge case 38)", with("c=relaxed"), "usable"},
      {"c=nofws", with("c=nofws"), "neutral unknown-canonicalization"},
      {"c=simple/", with("c=simple/"), "neutral unknown-canonicalization"},
      {"c=simple/simple/simple", with("c=simple/simple/simple"),
       "neutral unknown-canonicalization"},

      {"i= is the domain", with("i=@example.org"), "usable"},
      {"i= below it", with("i=joe@mail.example.org"), "usable"},
      {"i= with a quoted local part (edge case 39)", with("i=\"a@b\"@example.org"), "usable"},
      {"i= in quoted-printable", with("i=a=40b@example.org"), "usable"},
      {"i= elsewhere", with("i=joe@example.net"), "permerror identity-not-in-domain"},
      {"not at a label (edge case 39)", with("i=joe@fexample.org"),
       "permerror identity-not-in-domain"},
      {"above it", with("i=joe@org"), "permerror identity-not-in-domain"},
      {"no at sign", with("i=example.org"), "neutral bad-identity"},
      {"an equals sign at the end (A81)", with("i=a@example.org="), "neutral bad-identity"},
      {"no hexadecimal digits (A81)", with("i=x=ZZ@example.org"), "neutral bad-identity"},
      {"lower-case ones (A81)", with("i=x=4a@example.org"), "neutral bad-identity"},
      {"one digit (A81)", with("i=x@example.org=4"), "neutral bad-identity"},
      {"200 octets", with("i=" + std::string(188, 'a') + "@example.org"), "usable"},
      {"201 octets", with("i=" + std::string(189, 'a') + "@example.org"), "neutral bad-identity"},

      {"l=0 (A83)", with("l=0"), "usable"},
      {"an empty l= (A83)", with("l="), "neutral bad-body-length"},
      {"a sign", with("l=+5"), "neutral bad-body-length"},
      {"negative", with("l=-1"), "neutral bad-body-length"},
      {"hexadecimal", with("l=0x5"), "neutral bad-body-length"},
      {"15 digits", with("l=999999999999999"), "usable"},
      {"2^64-2 (A83)", with("l=18446744073709551614"), "neutral bad-body-length"},

      {"q=dns/txt", with("q=dns/txt"), "usable"},
      {"one of two methods is known", with("q=http/x : dns/txt"), "usable"},
      {"q=http (A93)", with("q=http"), "neutral unknown-query-method"},
      {"q=dns (A93)", with("q=dns"), "neutral unknown-query-method"},
      {"q= is empty", with("q="), "neutral unknown-query-method"},

      {"t= and x=", with("t=100;x=101"), "usable"},
      {"x= at t= (edge case 61b)", with("t=100;x=100"), "neutral expiration-before-timestamp"},
      {"x= before t= (A95)", with("t=100;x=99"), "neutral expiration-before-timestamp"},
      {"x= without t= (edge case 52)", with("x=100"), "usable"},
      {"t=0 (A95)", with("t=0"), "usable"},
      {"t=-1 (A95)", with("t=-1"), "neutral bad-timestamp"},
      {"t= in words", with("t=now"), "neutral bad-timestamp"},
      {"t= of 12 digits", with("t=999999999999"), "usable"},
      {"t= of 13 digits", with("t=1000000000000"), "neutral bad-timestamp"},
      {"x=2^64-1 (A95)", with("x=18446744073709551615"), "neutral bad-expiration"},
      {"x= is empty", with("x="), "neutral bad-expiration"},

      {"a field of 16 KiB (A100)", with("z=" + std::string(16 * 1024 - with("z=").size(), 'z')),
       "usable"},
      {"one octet more (A100)", with("z=" + std::string(16 * 1024 + 1 - with("z=").size(), 'z')),
       "neutral field-too-long"},
  };
  for (const auto& row : rows) {
    const std::string why = row.why;
    CAPTURE(why);
    CHECK(verdict(row.value) == row.want);
  }
}

TEST_CASE("what a signature says is kept in one form") {
  const auto field = read_signature(
      " v=1; a=ed25519-sha256; c=relaxed; d=B\xc3\x9c"
      "CHER.example; s=S1;\r\n\th=From : To\r\n :x; i=joe=20x@Mail.b\xc3\xbc"
      "cher.example;\r\n\tl=5; t=7; x=9;\r\n\tbh=" +
      std::string(kBodyHash) + "; b=AQ\r\n\t ID");
  REQUIRE(field.signature);
  CHECK(field.outcome.domain->text() == "xn--bcher-kva.example");
  CHECK(field.outcome.selector->text() == "s1");
  CHECK(field.outcome.selector->key_name(*field.outcome.domain)->text() ==
        "s1._domainkey.xn--bcher-kva.example");
  CHECK(field.outcome.identity == "joe x@mail.xn--bcher-kva.example");
  CHECK(field.outcome.algorithm == "ed25519-sha256");
  CHECK(field.encoded_signature == "AQID");
  CHECK(field.signature->signature == Octets{1, 2, 3});
  CHECK(field.signature->key_type == KeyType::ed25519);
  CHECK(field.signature->header.canonicalization == Canonicalization::relaxed);
  CHECK(field.signature->body_canonicalization == Canonicalization::simple);
  CHECK(field.signature->header.names == std::vector<std::string>{"from", "to", "x"});
  CHECK(field.signature->body_length == 5);
  CHECK(field.signature->timestamp == 7);
  CHECK(field.signature->expiration == 9);
}

TEST_CASE("a refused signature names only what is well formed (A77, edge case 70)") {
  auto outcome = read_signature(with("a=rsa-sha1")).outcome;
  CHECK(outcome.domain->text() == "example.org");
  CHECK(outcome.selector->text() == "sel");
  CHECK(outcome.algorithm == "rsa-sha1");
  outcome = read_signature(with("d=a'b.example")).outcome;
  CHECK_FALSE(outcome.domain);
  CHECK_FALSE(outcome.selector);
  CHECK(outcome.identity.empty());
  outcome = read_signature(with("s=a b")).outcome;
  CHECK(outcome.domain);
  CHECK_FALSE(outcome.selector);
}

TEST_CASE("an identity that cannot be printed loses its local part (A123, edge case 70)") {
  CHECK(read_signature(with("i=a=0D=0Ab@example.org")).outcome.identity == "@example.org");
  CHECK(read_signature(with("i=a=00b@example.org")).outcome.identity == "@example.org");
  // What looks like a macro or a format is printable text, and nobody expands it (edge case 71).
  CHECK(read_signature(with("i=%n${x}@example.org")).outcome.identity == "%n${x}@example.org");
  CHECK(read_signature(with("i=caf\xc3\xa9@example.org")).outcome.identity == "@example.org");
}

TEST_CASE(
    "t= and x= are compared with the clock, with its skew (RFC 6376 section 3.5, A95, edge case "
    "52)") {
  const struct {
    std::string why;
    std::int64_t timestamp;
    std::int64_t expiration;
    const char* want;
  } rows[] = {
      {"now", 1000, 2000, ""},
      {"expired within the skew", 1, 700, ""},
      {"expired beyond it", 1, 699, "fail signature-expired"},
      {"from the future within the skew", 1300, 2000, ""},
      {"beyond it", 1301, 2000, "policy signature-in-future"},
      {"the oldest time", 0, 2000, ""},
      {"the end of time", 1000, 999'999'999'999, ""},
  };
  for (const auto& row : rows) {
    const std::string why = row.why;
    CAPTURE(why);
    DkimSignature signature;
    signature.timestamp = row.timestamp;
    signature.expiration = row.expiration;
    DkimVerifyOptions options;
    options.now = 1000;
    options.clock_skew = 300;
    const auto got = check_time(signature, options);
    CHECK((got ? words(got->result, got->reason) : "") == row.want);
  }
}

TEST_CASE("names of fields (RFC 5322 section 3.6.8)") {
  CHECK(signable_name("From") == "from");
  CHECK(signable_name("FROM \t") == "from");
  CHECK(signable_name("X-A!b") == "x-a!b");
  CHECK_FALSE(signable_name(" From"));
  CHECK_FALSE(signable_name("Fr om"));
  CHECK_FALSE(signable_name("From\r\n "));
  CHECK_FALSE(signable_name("Fr\x01om"));
  CHECK_FALSE(signable_name("From\xc2\xa0"));
  CHECK_FALSE(signable_name("From;x"));
  CHECK_FALSE(signable_name(""));
}
