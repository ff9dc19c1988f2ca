#include "log/detail_log.h"

#include <doctest/doctest.h>

#include "log/log.h"

using namespace authmilter;

TEST_CASE("details of one message are bounded") {
  Verdict verdict;
  verdict.findings.dkim.resize(1000);
  const auto lines = detail_lines(verdict, {}, "4Xk2");
  REQUIRE(lines.size() == 201);
  CHECK(format_text(lines.back().text, lines.back().fields) ==
        "details left out id=4Xk2 count=802");
}
