#include "dmarc/policy_record.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

using namespace authmilter;

namespace {

/// What RFC 9989 section 4.7 wants known of a record, in one line.
std::string summary(const PolicyRecord& record) {
  const auto policy = [](const std::optional<AssessmentPolicy>& value) {
    return value ? std::string(to_string(*value)) : std::string("-");
  };
  const auto mode = [](AlignmentMode value) {
    return value == AlignmentMode::strict ? std::string("s") : std::string("r");
  };
  constexpr char kPsd[] = {'u', 'y', 'n'};
  std::string text = policy(record.p) + " " + policy(record.sp) + " " + policy(record.np);
  text += " psd=" + std::string(1, kPsd[static_cast<int>(record.psd)]);
  text += record.testing ? " t=y" : " t=n";
  text += " adkim=" + mode(record.adkim) + " aspf=" + mode(record.aspf) + " fo=" + record.fo;
  if (record.invalid_policy) text += " invalid";
  return text;
}

std::string read(const std::string& text) {
  if (!is_policy_record(text)) return "no record";
  const auto record = parse_policy_record(text);
  return record ? summary(*record) : "ignored: " + record.error().message;
}

struct Row {
  std::string why;
  std::string text;
  std::string read_as;
};

template <class Rows>
void check(const Rows& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(read(row.text) == row.read_as);
  }
}

const std::string kDefaults = " - - psd=u t=n adkim=r aspf=r fo=0";

}  // namespace

TEST_CASE("only what begins with the version is a record (RFC 9989 section 4.7)") {
  const Row rows[] = {
      {"plain", "v=DMARC1; p=reject", "reject" + kDefaults},
      {"no blanks", "v=DMARC1;p=reject", "reject" + kDefaults},
      {"blanks around the equals sign", "v \t= \tDMARC1 ; p = reject", "reject" + kDefaults},
      {"tag name of any case", "V=DMARC1; P=reject", "reject" + kDefaults},
      {"last separator is optional", "v=DMARC1; p=reject;", "reject" + kDefaults},
      {"version alone", "v=DMARC1", "-" + kDefaults + " invalid"},
      {"blanks at the end (RFC 9989 section 4.8)", "v=DMARC1; p=reject \t", "reject" + kDefaults},
      {"a line end at the end", "v=DMARC1; p=reject\n", "reject" + kDefaults},
      {"CR LF behind the last separator", "v=DMARC1; p=reject;\r\n", "reject" + kDefaults},
      {"a line end behind the version", "v=DMARC1\n", "-" + kDefaults + " invalid"},
      {"a line end in the middle", "v=DMARC1; p=none\n; sp=reject",
       "- reject - psd=u t=n adkim=r aspf=r fo=0 invalid"},
      {"version value in lower case", "v=dmarc1; p=reject", "no record"},
      {"version value in mixed case", "v=Dmarc1; p=reject", "no record"},
      {"longer version", "v=DMARC1x; p=reject", "no record"},
      {"next version", "v=DMARC2; p=reject", "no record"},
      {"version not first", "p=reject; v=DMARC1", "no record"},
      {"version missing", "p=reject", "no record"},
      {"something before the version (A110)", "foo; v=DMARC1; p=reject", "no record"},
      {"separator before the version", "; v=DMARC1; p=reject", "no record"},
      {"blank before the version (A110, edge case 88)", " v=DMARC1; p=reject", "no record"},
      {"tab before the version", "\tv=DMARC1; p=reject", "no record"},
      {"blanks within the version (A110)", "v = D M A R C 1;p = re ject", "no record"},
      {"no separator after the version (A110)", "v=DMARC1p=reject", "no record"},
      {"blank for a separator", "v=DMARC1 p=reject", "no record"},
      {"other tag name", "ver=DMARC1; p=reject", "no record"},
      {"quotes", "\"v=DMARC1; p=reject\"", "no record"},
      {"SPF", "v=spf1 -all", "no record"},
      {"NUL after the version", std::string("v=DMARC1\0; p=reject", 19), "no record"},
      {"no-break space", "v=DMARC1\xc2\xa0; p=reject", "no record"},
      {"typing error is not corrected", "v:DMARC1; p=reject", "no record"},
      {"empty", "", "no record"},
      {"only separators", ";;;", "no record"},
  };
  check(rows);
}

TEST_CASE("values are what the table says, whatever their case (RFC 9989 section 4.8)") {
  const Row rows[] = {
      {"none", "v=DMARC1; p=none", "none" + kDefaults},
      {"quarantine", "v=DMARC1; p=QuarAntine", "quarantine" + kDefaults},
      {"reject", "v=DMARC1; p=REJECT", "reject" + kDefaults},
      {"p in any place after v", "v=DMARC1; adkim=s; p=reject",
       "reject - - psd=u t=n adkim=s aspf=r fo=0"},
      {"sp and np", "v=DMARC1; p=reject; sp=quarantine; np=NONE",
       "reject quarantine none psd=u t=n adkim=r aspf=r fo=0"},
      {"psd=y", "v=DMARC1; p=none; psd=Y", "none - - psd=y t=n adkim=r aspf=r fo=0"},
      {"psd=n", "v=DMARC1; p=none; psd=n", "none - - psd=n t=n adkim=r aspf=r fo=0"},
      {"psd=u is the default", "v=DMARC1; p=none; psd=u", "none" + kDefaults},
      {"t=y", "v=DMARC1; p=reject; t=y", "reject - - psd=u t=y adkim=r aspf=r fo=0"},
      {"t=n is the default", "v=DMARC1; p=reject; t=N", "reject" + kDefaults},
      {"strict modes", "v=DMARC1; p=none; adkim=S; aspf=s",
       "none - - psd=u t=n adkim=s aspf=s fo=0"},
      {"one strict mode says nothing of the other (edge case 89)", "v=DMARC1; p=none; aspf=s",
       "none - - psd=u t=n adkim=r aspf=s fo=0"},
      {"relaxed is the default", "v=DMARC1; p=none; adkim=r; aspf=R", "none" + kDefaults},
  };
  check(rows);
}

TEST_CASE("a bad value is its default (RFC 9989 section 4.7)") {
  const Row rows[] = {
      {"psd", "v=DMARC1; p=reject; psd=yes", "reject" + kDefaults},
      {"t", "v=DMARC1; p=reject; t=1", "reject" + kDefaults},
      {"adkim", "v=DMARC1; p=reject; adkim=strict", "reject" + kDefaults},
      {"aspf", "v=DMARC1; p=reject; aspf=", "reject" + kDefaults},
      {"tag without a value", "v=DMARC1; p=reject; aspf", "reject" + kDefaults},
      {"empty tag", "v=DMARC1;; ; p=reject;;", "reject" + kDefaults},
      {"equals sign alone", "v=DMARC1; =; p=reject", "reject" + kDefaults},
      {"digit in a tag name", "v=DMARC1; t1=y; p=reject", "reject" + kDefaults},
      {"8-bit text in another tag", "v=DMARC1; note=\xc3\xa9; p=reject", "reject" + kDefaults},
      {"a colon is no equals sign", "v=DMARC1; adkim:s; p=reject", "reject" + kDefaults},
      {"bad octet next to a good value", "v=DMARC1; p=reject; adkim=s\x01", "reject" + kDefaults},
  };
  check(rows);
}

TEST_CASE("unknown tags are ignored (RFC 9989 section 4.7)") {
  const Row rows[] = {
      {"unknown", "v=DMARC1; p=reject; zzz=1", "reject" + kDefaults},
      {"unknown twice", "v=DMARC1; zz=1; zz=2; p=reject", "reject" + kDefaults},
      {"pct is historic (A111)", "v=DMARC1; p=reject; pct=0", "reject" + kDefaults},
      {"pct out of range", "v=DMARC1; p=reject; pct=18446744073709551616", "reject" + kDefaults},
      {"pct twice", "v=DMARC1; p=reject; pct=1; pct=2", "reject" + kDefaults},
      {"rf is historic (A111)", "v=DMARC1; p=reject; rf=iodef", "reject" + kDefaults},
      {"ri is historic (A111)", "v=DMARC1; p=reject; ri=1e20", "reject" + kDefaults},
  };
  check(rows);
  const auto record = parse_policy_record("v=DMARC1; p=none; pct=0; zz=1");
  REQUIRE(record);
  CHECK(record->notes ==
        std::vector<std::string>{"ignored tag \"pct\": historic", "ignored tag \"zz\": unknown"});
}

TEST_CASE("a record without a usable policy is marked (RFC 9989 section 4.10.1)") {
  const std::string invalid = kDefaults + " invalid";
  const Row rows[] = {
      {"p missing", "v=DMARC1; rua=mailto:a@example.org", "-" + invalid},
      {"p not valid", "v=DMARC1; p=bogus", "-" + invalid},
      {"p empty", "v=DMARC1; p=", "-" + invalid},
      {"abbreviation (A111)", "v=DMARC1; p=r", "-" + invalid},
      {"blank within", "v=DMARC1; p=re ject", "-" + invalid},
      {"control character", "v=DMARC1; p=reject\x7f", "-" + invalid},
      {"sp not valid, though p is", "v=DMARC1; p=reject; sp=bogus", "reject" + invalid},
      {"np not valid, though p is", "v=DMARC1; p=reject; np=", "reject" + invalid},
  };
  check(rows);
}

TEST_CASE("a tag of a record stands once (RFC 6376 section 3.2 by RFC 9989 section 4.7)") {
  const Row rows[] = {
      {"p (A110)", "v=DMARC1;p=reject;p=none", "ignored: tag \"p\" occurs twice"},
      {"the same value", "v=DMARC1; p=reject; p=reject", "ignored: tag \"p\" occurs twice"},
      {"other case", "v=DMARC1; p=reject; P=none", "ignored: tag \"p\" occurs twice"},
      {"one of them not valid", "v=DMARC1; sp=; sp=none; p=reject",
       "ignored: tag \"sp\" occurs twice"},
      {"version", "v=DMARC1; p=reject; v=DMARC1", "ignored: tag \"v\" occurs twice"},
      {"rua", "v=DMARC1; p=none; rua=mailto:a@example.org; rua=mailto:b@example.org",
       "ignored: tag \"rua\" occurs twice"},
  };
  check(rows);
}

TEST_CASE("fo is a list for ruf (RFC 9989 section 4.7)") {
  const struct {
    std::string why;
    std::string value;
    std::string fo;
  } rows[] = {
      {"default", "0", "0"},
      {"any", "1", "1"},
      {"dkim", "d", "d"},
      {"spf, upper case", "S", "s"},
      {"list", "1:d:s", "1:d:s"},
      {"blanks in the list", "d : s", "d:s"},
      {"0 with others", "0:d", "0:d"},
      {"0 and 1 exclude each other", "0:1", "0"},
      {"d twice", "d:d", "0"},
      {"s twice", "s:d:s", "0"},
      {"unknown option (A111)", "x", "0"},
      {"empty option", "d:", "0"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const std::string tags = "v=DMARC1; p=none; fo=" + row.value;
    CHECK(parse_policy_record(tags + "; ruf=mailto:a@example.org")->fo == row.fo);
    CHECK(parse_policy_record(tags)->fo == "0");  // ignored without ruf
  }
}

TEST_CASE("a record counts whatever its length is (A194)") {
  const std::string head = "v=DMARC1; p=reject; x=";
  // RFC 1035 section 3.2.1: no TXT record has more octets than this.
  for (const std::size_t octets : {4096U, 4097U, 65'535U}) {
    CAPTURE(octets);
    CHECK(read(head + std::string(octets - head.size(), 'x')) == "reject" + kDefaults);
    CHECK(read("v=DMARC1; x=" + std::string(octets, 'x') + "; p=reject") == "reject" + kDefaults);
    std::string separators = "v=DMARC1" + std::string(octets, ';') + "p=reject";
    CHECK(read(separators) == "reject" + kDefaults);
  }
}

TEST_CASE("what a record can grow has a limit") {
  std::string tags = "v=DMARC1; p=reject";
  for (int i = 0; i < 900; ++i) tags += "; b=";
  const auto record = parse_policy_record(tags);
  REQUIRE(record);
  CHECK(record->notes.size() == 8);
  CHECK(record->text.size() < 600);
  CHECK(parse_policy_record("v=DMARC1; p=none; x=\x1b[2J")->text == "v=DMARC1; p=none; x=\\x1b[2J");
}
