#include "report_views/reporters.h"

#include <doctest/doctest.h>

namespace authmilter {

TEST_CASE("who reports to us, most reports first") {
  const auto report = [](const char* organization, ReportKind kind, std::uint64_t messages,
                         std::int64_t end, bool doubtful) {
    ReceivedReport made;
    made.organization = organization;
    made.kind = kind;
    made.messages = messages;
    made.end = end;
    made.from.doubtful = doubtful;
    return made;
  };
  const auto reporters = reporters_of({report("b.example", ReportKind::aggregate, 3, 200, false),
                                       report("a.example", ReportKind::smtp_tls, 5, 100, false),
                                       report("b.example", ReportKind::aggregate, 4, 100, true),
                                       report("a.example", ReportKind::aggregate, 1, 300, true)});
  REQUIRE(reporters.size() == 3);
  CHECK(reporters[0].organization == "b.example");
  CHECK(reporters[0].reports == 2);
  CHECK(reporters[0].messages == 7);
  CHECK(reporters[0].doubtful == 1);
  CHECK(reporters[0].last == 200);
  // Kinds are told apart.
  CHECK(reporters[1].organization == "a.example");
  CHECK(reporters[1].kind == ReportKind::aggregate);
  CHECK(reporters[2].kind == ReportKind::smtp_tls);
}

}  // namespace authmilter
