#include "store/schema.h"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "lib/store/stores.h"

namespace authmilter {

using namespace store_test;

TEST_CASE("a store of a newer version is refused and left as it is") {
  on_each_engine([](StorePlace& place) {
    CHECK(place.open()->schema_version() == kSchemaVersion);
    const StoreAddress address = place.address();
    {
      auto database = address.engine == StoreEngine::sqlite
                          ? SqlDatabase::open_sqlite(address.target, SqlAccess::write)
                          : SqlDatabase::open_postgresql(address.target);
      REQUIRE(database);
      REQUIRE((*database)->run("UPDATE schema_version SET version = 99"));
    }
    for (const auto access : {ReportStore::Access::write, ReportStore::Access::read}) {
      const auto store = ReportStore::open(address, access);
      REQUIRE_FALSE(store);
      CHECK(store.error().kind == StoreError::Kind::refused);
      CHECK(store.error().message.find("newer") != std::string::npos);
    }
  });
}

TEST_CASE("a store has one secret, whoever opens it") {
  on_each_engine([](StorePlace& place) {
    const auto secret = place.open()->secret();
    REQUIRE(secret);
    CHECK(secret->size() == 32);
    for (const auto access : {ReportStore::Access::write, ReportStore::Access::read}) {
      const auto again = place.open(access)->secret();
      REQUIRE(again);
      CHECK(*again == *secret);
    }
    const auto another = place_of(Engine::sqlite)->open()->secret();
    REQUIRE(another);
    CHECK(*another != *secret);
  });
}

TEST_CASE("a store of the first version gets one, and keeps what it has") {
  on_each_engine([](StorePlace& place) {
    REQUIRE(place.open()->add({"w", 1}, std::vector{row("example.org", "192.0.2.1", 3)}));
    const StoreAddress address = place.address();
    {
      auto database = address.engine == StoreEngine::sqlite
                          ? SqlDatabase::open_sqlite(address.target, SqlAccess::write)
                          : SqlDatabase::open_postgresql(address.target);
      REQUIRE(database);
      REQUIRE((*database)->define("DROP TABLE secret"));
      REQUIRE((*database)->run("DELETE FROM schema_version WHERE version = 2"));
    }
    const auto old = ReportStore::open(address, ReportStore::Access::read);
    REQUIRE_FALSE(old);
    CHECK(old.error().message.find("older") != std::string::npos);
    std::vector<std::thread> openers;
    std::array<std::string, 4> secrets;
    for (std::string& secret : secrets) {
      openers.emplace_back([&] {
        auto store = ReportStore::open(address, ReportStore::Access::write);
        if (!store) return;
        if (const auto found = (*store)->secret()) secret = *found;
      });
    }
    for (std::thread& opener : openers) opener.join();
    for (const std::string& secret : secrets) {
      CHECK(secret.size() == 32);
      CHECK(secret == secrets[0]);
    }
    CHECK(messages_of(*place.open(), "example.org") == 3);
  });
}

TEST_CASE("several make a new store at a time, and none of them fails") {
  on_each_engine([](StorePlace& place) {
    std::vector<std::thread> makers;
    std::array<bool, 4> made{};
    for (std::size_t i = 0; i < made.size(); ++i) {
      makers.emplace_back([&, i] {
        made[i] = static_cast<bool>(ReportStore::open(place.address(), ReportStore::Access::write));
      });
    }
    for (std::thread& maker : makers) maker.join();
    for (const bool each : made) CHECK(each);
    CHECK(place.open()->schema_version() == kSchemaVersion);
  });
}

TEST_CASE("what cannot be opened, and whether it is worth while to come again") {
  using Kind = StoreError::Kind;
  const TemporaryFolder folder;
  folder.write("letter.db", std::string(4096, 'x'));
  const struct {
    const char* why;
    const char* file;
    ReportStore::Access access;
    Kind kind;
  } rows[] = {
      {"no database", "letter.db", ReportStore::Access::write, Kind::refused},
      {"a folder that is not there", "none/reports.db", ReportStore::Access::write, Kind::later},
      {"nothing to read yet", "reports.db", ReportStore::Access::read, Kind::later},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto store =
        ReportStore::open({StoreEngine::sqlite, folder.path() / row.file}, row.access);
    REQUIRE_FALSE(store);
    CAPTURE(store.error().message);
    CHECK(store.error().kind == row.kind);
  }
  const auto nobody = ReportStore::open(
      {StoreEngine::postgresql, "postgresql://reports@/postgres?host=" + folder.path().string()},
      ReportStore::Access::write);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().kind == Kind::later);
}

}  // namespace authmilter
