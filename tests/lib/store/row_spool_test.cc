#include <authmilter/row_spool.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/store/stores.h"

namespace authmilter {

using namespace store_test;

TEST_CASE("a spool gives batches back in their order, after a start too") {
  const TemporaryFolder folder;
  const auto directory = folder.path() / "spool";
  {
    auto spool = RowSpool::open(directory, "rows-0.db");
    REQUIRE(spool);
    for (std::uint64_t number = 1; number <= 3; ++number) {
      const std::vector<ReportRow> rows = {row("example.org", "192.0.2.1", number),
                                           row("example.net", "2001:db8::1", 10)};
      REQUIRE((*spool)->put({"w", number}, rows));
    }
    // One that comes twice is there once.
    REQUIRE((*spool)->put({"w", 2}, std::vector{row("example.org", "192.0.2.1", 2)}));
  }
  auto spool = RowSpool::open(directory, "rows-0.db");
  REQUIRE(spool);
  auto messages = (*spool)->messages();
  REQUIRE(messages);
  CHECK(*messages == 36);
  for (std::uint64_t number = 1; number <= 3; ++number) {
    const auto batch = (*spool)->oldest();
    REQUIRE(batch);
    REQUIRE(*batch);
    CHECK((*batch)->id.writer == "w");
    CHECK((*batch)->id.number == number);
    REQUIRE((*batch)->rows.size() == 2);
    CHECK((*batch)->rows[0] == row("example.org", "192.0.2.1", number));
    REQUIRE((*spool)->remove((*batch)->id));
  }
  const auto none = (*spool)->oldest();
  REQUIRE(none);
  CHECK_FALSE(*none);
}

TEST_CASE("a spool belongs to one process at a time") {
  const TemporaryFolder folder;
  const auto first = RowSpool::open(folder.path(), "rows-0.db");
  REQUIRE(first);
  const auto second = RowSpool::open(folder.path(), "rows-0.db");
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == StoreError::Kind::later);
  CHECK(RowSpool::open(folder.path(), "rows-1.db"));
}

}  // namespace authmilter
