#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "lib/audit_views/made_audit.h"

using namespace authmilter;
using namespace authmilter::test_audit;

namespace {

DomainAudit with(std::optional<CheckStatus> status) {
  DomainAudit audit{DomainName::parse("example.org").value(), {}, {}};
  if (status)
    audit.checks.push_back(made_check(kSpfRule, *status, std::string(to_string(*status))));
  return audit;
}

}  // namespace

TEST_CASE("what became of a check, and whether somebody should look") {
  using enum CheckStatus;
  const struct {
    const char* why;
    std::optional<CheckStatus> before, now;
    const char* change;  // empty: none
    bool is_worse;
  } rows[] = {
      {"nothing changed", fail, fail, "", false},
      {"a remark is no news", pass, info, "", false},
      {"nor is its end", info, pass, "", false},
      {"a remark that is to be mended now", info, warn, "worse", true},
      {"it fails now", pass, fail, "worse", true},
      {"it warns now", pass, warn, "worse", true},
      {"it is not known any more", pass, unknown, "worse", true},
      {"it is mended", fail, pass, "better", false},
      {"a little better", fail, warn, "better", false},
      {"a new check that is well", std::nullopt, pass, "new", false},
      {"a new check that warns", std::nullopt, warn, "new", false},
      {"a new check that fails", std::nullopt, fail, "new", true},
      {"not looked at any more", fail, std::nullopt, "gone", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto changes = audit_changes(with(row.before), with(row.now));
    if (std::string_view(row.change).empty()) {
      CHECK(changes.empty());
      continue;
    }
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].id == "spf.all");
    CHECK(to_string(changes[0].kind) == row.change);
    CHECK(is_worse(changes[0]) == row.is_worse);
    if (row.before) CHECK(changes[0].evidence_before == to_string(*row.before));
    if (row.now) CHECK(changes[0].evidence_now == to_string(*row.now));
  }
}

TEST_CASE("what asks for somebody stands first") {
  DomainAudit before = with(CheckStatus::fail);
  before.checks.push_back(made_check(kTlsRule, CheckStatus::pass, ""));
  DomainAudit now = with(CheckStatus::pass);
  now.checks.push_back(made_check(kTlsRule, CheckStatus::fail, ""));
  const auto changes = audit_changes(before, now);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].id == "tls.version");
}
