#include "arc/chain.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

/// "S1:none" is a seal of instance 1 with cv=none, "M1" a message signature, "R1" results. Text
/// behind a "+" is added to the field.
std::vector<MessageField> header(const std::vector<std::string>& fields) {
  std::vector<MessageField> made;
  for (const std::string& text : fields) {
    const auto more = std::min(text.find('+'), text.size());
    const auto colon = std::min(text.find(':'), more);
    const std::string i = " i=" + text.substr(1, colon - 1) + ";";
    const std::string tags = i + " a=rsa-sha256; d=example.org; s=s; b=AAAA;";
    const std::string tail = more < text.size() ? text.substr(more + 1) : "";
    switch (text.front()) {
      case 'S':
        made.push_back(make_message_field(
            {"ARC-Seal", tags + " cv=" + text.substr(colon + 1, more - colon - 1) + ";" + tail}));
        break;
      case 'M':
        made.push_back(make_message_field(
            {"arc-message-signature",
             tags + " h=from; bh=KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5pvjXFZYLQ=;" + tail}));
        break;
      case 'R':
        made.push_back(make_message_field(
            {"ARC-AUTHENTICATION-RESULTS ", i + " mx.example.org; none" + tail}));
        break;
      default:
        made.push_back(make_message_field({"From", " a@example.org"}));
    }
  }
  return made;
}

using Fields = std::vector<std::string>;

Fields sets(unsigned count) {
  Fields fields;
  for (unsigned i = 1; i <= count; ++i) {
    const std::string n = std::to_string(i);
    fields.insert(fields.begin(), {"S" + n + (i == 1 ? ":none" : ":pass"), "M" + n, "R" + n});
  }
  return fields;
}

std::string summary(const Fields& fields) {
  const auto chain = read_chain(header(fields));
  return chain ? std::to_string(chain->size()) : chain.error().text();
}

}  // namespace

TEST_CASE("the structure of a chain (RFC 8617 section 5.2, steps 1 to 3, A130, edge case 74)") {
  const struct {
    std::string why;
    Fields fields;
    std::string want;
  } rows[] = {
      {"no chain (edge case 82)", {"From"}, "0"},
      {"nothing at all", {}, "0"},
      {"one set", {"S1:none", "M1", "R1", "From"}, "1"},
      {"two", {"S2:pass", "M2", "R2", "S1:none", "M1", "R1"}, "2"},
      {"in any order (edge case 81)", {"R1", "M2", "S1:none", "From", "R2", "M1", "S2:pass"}, "2"},
      {"no seal", {"M1", "R1"}, "incomplete-set (i=1)"},
      {"no message signature", {"S1:none", "R1"}, "incomplete-set (i=1)"},
      {"no results", {"S1:none", "M1"}, "incomplete-set (i=1)"},
      {"only a seal", {"S1:none"}, "incomplete-set (i=1)"},
      {"a gap", {"S3:pass", "M3", "R3", "S1:none", "M1", "R1"}, "incomplete-set (i=2)"},
      {"it does not begin with 1", {"S2:pass", "M2", "R2"}, "incomplete-set (i=1)"},
      {"the newest has no seal", {"M2", "R2", "S1:none", "M1", "R1"}, "incomplete-set (i=2)"},
      {"a seal twice", {"S1:none", "S1:none", "M1", "R1"}, "duplicate-field (i=1, ARC-Seal)"},
      {"a message signature twice",
       {"S1:none", "M1", "M1", "R1"},
       "duplicate-field (i=1, ARC-Message-Signature)"},
      {"results twice",
       {"S1:none", "M1", "R1", "R1"},
       "duplicate-field (i=1, ARC-Authentication-Results)"},
      {"an instance of 0", {"S0:none", "M0", "R0"}, "malformed-seal (i=)"},
      {"of 01", {"S1:none", "M01", "R1"}, "bad-instance (ARC-Message-Signature)"},
      {"of 51", {"S1:none", "M1", "R1", "R51"}, "bad-instance (ARC-Authentication-Results)"},
      {"results that name no instance",
       {"S1:none", "M1", "R"},
       "bad-instance (ARC-Authentication-Results)"},
      {"a seal that cannot be read, of an older set too",
       {"S2:pass", "M2", "R2", "S1:none+h=from;", "M1", "R1"},
       "malformed-seal (h=)"},
      {"a message signature that is of no use, of an older set: nobody has to validate it",
       {"S2:pass", "M2", "R2", "S1:none", "M1+l=1;", "R1"},
       "2"},
      {"results that cannot be read",
       {"S1:none", "M1", "R1 dmarc"},
       "bad-instance (ARC-Authentication-Results)"},
      {"fifty sets", sets(50), "50"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(row.fields) == row.want);
  }
}

TEST_CASE("cv= is none in the first seal, pass in all others (RFC 8617 section 5.2, A131)") {
  const struct {
    std::string why;
    Fields fields;
    std::string want;
  } rows[] = {
      {"pass in the first", {"S1:pass", "M1", "R1"}, "wrong-chain-status (i=1, cv=pass)"},
      {"none in the second",
       {"S2:none", "M2", "R2", "S1:none", "M1", "R1"},
       "wrong-chain-status (i=2, cv=none)"},
      {"fail in the newest ends it, step 2", {"S1:fail", "M1", "R1"}, "sealed-as-failed (i=1)"},
      {"whatever else is missing", {"S2:fail", "S1:none"}, "sealed-as-failed (i=2)"},
      {"fail, and then pass again",
       {"S2:pass", "M2", "R2", "S1:fail", "M1", "R1"},
       "wrong-chain-status (i=1, cv=fail)"},
      {"two of them", {"S1:none+cv=none;", "M1", "R1"}, "malformed-seal (tag list)"},
      {"another word", {"S1:softfail", "M1", "R1"}, "malformed-seal (cv=)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(row.fields) == row.want);
  }
}

TEST_CASE("a flood of fields is counted before it is read (RFC 8617 section 5.2, step 1, A134)") {
  for (const char* field : {"S1:none", "M1", "R1"}) {
    CHECK(summary(Fields(51, field)) == "too-many-sets");
    CHECK(summary(Fields(50, field)).starts_with("duplicate-field"));
  }
}

TEST_CASE("the names of the fields have any case, and blanks behind them") {
  CHECK(is_arc_field("ARC-Seal"));
  CHECK(is_arc_field("arc-message-signature \t"));
  CHECK(is_arc_field("Arc-Authentication-Results"));
  CHECK_FALSE(is_arc_field("X-ARC-Seal"));
  CHECK_FALSE(is_arc_field("ARC-Seal-2"));
  CHECK_FALSE(is_arc_field(""));
}
