#include "log/detail_log.h"

#include <doctest/doctest.h>

#include <vector>

#include "log/log.h"

using namespace authmilter;

TEST_CASE("details of one message are bounded") {
  MessageVerdict verdict;
  verdict.findings.dkim.resize(1000);
  const auto lines = detail_lines(verdict, {}, "4Xk2");
  REQUIRE(lines.size() == 201);
  CHECK(format_text(lines.back().text, lines.back().fields) ==
        "details left out id=4Xk2 count=802");
}

TEST_CASE("details of many overrides are bounded, and only those written are made") {
  PolicyOverride rule;
  rule.author_domain = {*DomainPattern::parse("example.org")};
  PolicyConfig policy;
  policy.overrides = std::vector<PolicyOverride>(20'000, rule);
  const auto lines = detail_lines({}, policy, "4Xk2");
  REQUIRE(lines.size() == 201);
  CHECK(format_text(lines.back().text, lines.back().fields) ==
        "details left out id=4Xk2 count=19802");
}
