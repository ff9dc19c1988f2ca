#include "edits/header_guard.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

/// A field of so many octets, with its colon and CRLF.
HeaderField field_of(std::size_t octets, const std::string& name = "To") {
  return {name, std::string(octets - name.size() - 3, 'x')};
}

std::string excess(const std::vector<HeaderField>& fields, const HeaderLimits& limits = {}) {
  HeaderGuard guard(limits);
  bool kept = true;
  for (const HeaderField& field : fields) kept = guard.add(field);
  CHECK(kept != guard.exceeded());
  return guard.excess();
}

}  // namespace

TEST_CASE("what is too much of a header is named (A17, A18, A235)") {
  // Postfix cuts a field at 60,000 octets before a milter sees it: whatever is cut is too long.
  CHECK(HeaderLimits{}.field_octets == 59'000);
  const std::string long_name(77, 'n');
  const struct {
    std::string why;
    std::vector<HeaderField> fields;
    std::string excess;
  } rows[] = {
      {"a field one octet below the limit", {field_of(58'999)}, ""},
      {"a field at the limit", {field_of(59'000)}, ""},
      {"one octet more", {field_of(59'001)}, "field To has more than 59000 octets"},
      {"as Postfix cuts it", {field_of(60'000, "Cc")}, "field Cc has more than 59000 octets"},
      {"a name that nobody should repeat",
       {field_of(59'001, "X\"-Y")},
       "a field has more than 59000 octets"},
      {"a name with a blank behind it",
       {field_of(59'001, "To ")},
       "a field has more than 59000 octets"},
      {"a long name", {field_of(59'001, long_name)}, "a field has more than 59000 octets"},
      {"999 fields", std::vector(999, field_of(10)), ""},
      {"1000 fields", std::vector(1000, field_of(10)), ""},
      {"1001 fields", std::vector(1001, field_of(10)), "more than 1000 fields"},
      {"one octet below 256 KiB",
       {field_of(59'000), field_of(59'000), field_of(59'000), field_of(59'000), field_of(26'143)},
       ""},
      {"256 KiB",
       {field_of(59'000), field_of(59'000), field_of(59'000), field_of(59'000), field_of(26'144)},
       ""},
      {"one octet more",
       {field_of(59'000), field_of(59'000), field_of(59'000), field_of(59'000), field_of(26'145)},
       "more than 262144 octets"},
      {"what was too much first",
       {field_of(59'001, "Cc"), field_of(59'001)},
       "field Cc has more than 59000 octets"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(excess(row.fields) == row.excess);
  }
}
