#include "sql/sql.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lib/store/stores.h"

namespace authmilter {
namespace {

using namespace store_test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr SqlTimes kShort{.lock = 1000ms, .connect = 2000ms, .silence = 3000ms};

std::unique_ptr<SqlDatabase> open(const StorePlace& place) {
  const StoreAddress address = place.address();
  auto database = address.engine == StoreEngine::sqlite
                      ? SqlDatabase::open_sqlite(address.target, SqlAccess::write, kShort)
                      : SqlDatabase::open_postgresql(address.target, kShort);
  if (!database) FAIL(database.error().message);
  return std::move(*database);
}

std::vector<std::string> texts(SqlDatabase& database, const std::string& sql,
                               const SqlValues& values = {}) {
  std::vector<std::string> found;
  const auto asked =
      database.query(sql, values, [&](const SqlRow& row) { found.push_back(row.text(0)); });
  if (!asked) found.push_back("error: " + asked.error().message);
  return found;
}

}  // namespace

TEST_CASE("text for a database is valid UTF-8 without NUL (RFC 3629)") {
  const std::string bad = "\xef\xbf\xbd";
  const struct {
    const char* why;
    std::string text, want;
  } rows[] = {
      {"ASCII", "a\tb", "a\tb"},
      {"two to four octets", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
       "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"NUL", std::string("a\0b", 3), "a" + bad + "b"},
      {"a lone continuation",
       "a\x80"
       "b",
       "a" + bad + "b"},
      {"cut off", "\xe2\x82", bad + bad},
      {"longer than needed", "\xc0\xaf", bad + bad},
      {"a surrogate", "\xed\xa0\x80", bad + bad + bad},
      {"above U+10FFFF", "\xf4\x90\x80\x80", bad + bad + bad + bad},
      {"no octet of UTF-8", "\xff", bad},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(sql_text(row.text) == row.want);
  }
  CHECK(sql_text("\xc3\xa9\xc3\xa9", 3) == "\xc3\xa9");
  CHECK(sql_text(std::string(9000, 'a')).size() == 4096);
}

TEST_CASE("values come back as they went in") {
  on_each_engine([](StorePlace& place) {
    const auto database = open(place);
    REQUIRE(
        database->define("CREATE TABLE t (id {number}, n BIGINT NOT NULL, s TEXT NOT NULL, o "
                         "{octets} NOT NULL)"));
    std::string octets;
    for (int i = 0; i < 256; ++i) octets += static_cast<char>(i);
    const SqlValues values{std::int64_t{-9'223'372'036'854'775'807}, std::string("\xc3\xa9'\"\\"),
                           SqlOctets{octets}};
    const auto put = database->run("INSERT INTO t (n, s, o) VALUES ($1, $2, $3)", values);
    REQUIRE(put);
    CHECK(*put == 1);
    int rows = 0;
    REQUIRE(database->query("SELECT n, s, o, id FROM t WHERE n = $1", {values[0]},
                            [&](const SqlRow& row) {
                              ++rows;
                              CHECK(row.integer(0) == std::get<std::int64_t>(values[0]));
                              CHECK(row.text(1) == std::get<std::string>(values[1]));
                              CHECK(row.octets(2) == octets);
                              CHECK(row.integer(3) == 1);
                            }));
    CHECK(rows == 1);
  });
}

TEST_CASE("many at a time, and how many changed") {
  on_each_engine([](StorePlace& place) {
    const auto database = open(place);
    REQUIRE(database->define("CREATE TABLE t (n BIGINT NOT NULL PRIMARY KEY) {by_key}"));
    std::vector<SqlValues> rows;
    for (std::int64_t n = 0; n < 1000; ++n) rows.push_back({n / 2});
    SqlTransaction transaction(*database);
    REQUIRE(transaction.begun());
    const auto put =
        database->run_each("INSERT INTO t (n) VALUES ($1) ON CONFLICT (n) DO NOTHING", rows);
    REQUIRE(put);
    CHECK(*put == 500);
    REQUIRE(transaction.commit());
    CHECK(texts(*database, "SELECT COUNT(*) FROM t") == std::vector<std::string>{"500"});
    // One that fails fails all, says why, and leaves the connection as it was.
    {
      SqlTransaction second(*database);
      REQUIRE(second.begun());
      const auto failed = database->run_each(
          "INSERT INTO t (n) VALUES ($1)",
          std::vector<SqlValues>{{std::int64_t{5000}}, {std::int64_t{1}}, {std::int64_t{5001}}});
      REQUIRE_FALSE(failed);
      CHECK(failed.error().kind == SqlError::Kind::wrong);
      CHECK(failed.error().message.find('\n') == std::string::npos);
    }
    CHECK(texts(*database, "SELECT COUNT(*) FROM t") == std::vector<std::string>{"500"});
  });
}

TEST_CASE("what is not committed is gone") {
  on_each_engine([](StorePlace& place) {
    const auto database = open(place);
    REQUIRE(database->define("CREATE TABLE t (n BIGINT NOT NULL)"));
    {
      SqlTransaction transaction(*database);
      REQUIRE(transaction.begun());
      REQUIRE(database->run("INSERT INTO t (n) VALUES ($1)", {std::int64_t{1}}));
    }
    CHECK(texts(*database, "SELECT COUNT(*) FROM t") == std::vector<std::string>{"0"});
    CHECK_FALSE(database->run("INSERT INTO nothing (n) VALUES (1)"));
    CHECK(texts(*database, "SELECT COUNT(*) FROM t") == std::vector<std::string>{"0"});
  });
}

TEST_CASE("a lock that another writer holds is waited for, and not for ever") {
  on_each_engine([](StorePlace& place) {
    const auto one = open(place);
    const auto two = open(place);
    REQUIRE(one->define("CREATE TABLE t (n BIGINT NOT NULL PRIMARY KEY)"));
    REQUIRE(one->run("INSERT INTO t (n) VALUES (1)"));
    SqlTransaction first(*one);
    REQUIRE(first.begun());
    REQUIRE(one->run("UPDATE t SET n = 2"));
    const auto began = Clock::now();
    const SqlStatus second = two->begin();
    const auto changed =
        second ? two->run("UPDATE t SET n = 3") : SqlResult<std::uint64_t>(second.error());
    two->rollback();
    CHECK(Clock::now() - began > 900ms);
    CHECK(Clock::now() - began < 20s);
    REQUIRE_FALSE(changed);
    CHECK(changed.error().kind == SqlError::Kind::busy);
    REQUIRE(first.commit());
    CHECK(two->run("UPDATE t SET n = 4"));
  });
}

TEST_CASE("an SQLite file that is not there is made by writers, for the owner of its folder") {
  const std::string folder = "/tmp/authmilter-sql-" + std::to_string(::getpid());
  const std::string path = folder + "/reports.db";
  REQUIRE(::mkdir(folder.c_str(), 0755) == 0);
  const auto read = SqlDatabase::open_sqlite(path, SqlAccess::read, kShort);
  REQUIRE(!read);
  CHECK(read.error().message ==
        path +
            ": unable to open database file: No such file or directory: it is made with the "
            "first message that is received or report that is read");

  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(::chown(folder.c_str(), kNobody, kNobody) == 0);
  {
    const auto written = SqlDatabase::open_sqlite(path, SqlAccess::write, kShort);
    REQUIRE(written);
    CHECK((*written)->define("CREATE TABLE t (a TEXT)"));
    for (const char* name : {"", "-wal", "-shm"}) {
      CAPTURE(name);
      struct stat file {};
      REQUIRE(::stat((path + name).c_str(), &file) == 0);
      CHECK((file.st_mode & 0777) == 0640);
      CHECK(file.st_uid == (root ? kNobody : ::geteuid()));
    }
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("PostgreSQL that is killed is gone, one that is there again is there") {
  std::string why;
  const auto server = PostgresqlServer::start(why);
  if (!server) {
    MESSAGE("skipped: " << why);
    return;
  }
  auto database = SqlDatabase::open_postgresql(server->uri(), kShort);
  REQUIRE(database);
  CHECK(texts(**database, "SELECT 1") == std::vector<std::string>{"1"});
  REQUIRE(server->down("immediate"));
  const auto failed = (*database)->run("SELECT 1");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == SqlError::Kind::gone);
  const auto refused = SqlDatabase::open_postgresql(server->uri(), kShort);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == SqlError::Kind::gone);
  REQUIRE(server->up());
  database = SqlDatabase::open_postgresql(server->uri(), kShort);
  REQUIRE(database);
  CHECK(texts(**database, "SELECT 1") == std::vector<std::string>{"1"});
  SUBCASE("one behind a pooler that gives another session") {
    REQUIRE((*database)->run("SELECT 2"));
    REQUIRE((*database)->define("DEALLOCATE ALL"));
    const auto forgotten = (*database)->run("SELECT 2");
    REQUIRE_FALSE(forgotten);
    CHECK(forgotten.error().kind == SqlError::Kind::gone);
    REQUIRE((*database)->define("PREPARE s4 AS SELECT 3"));
    const auto taken = (*database)->run("SELECT 3");
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == SqlError::Kind::gone);
  }
  SUBCASE("one that hangs is given up") {
    server->freeze();
    auto began = Clock::now();
    const auto silent = (*database)->run("SELECT 1");
    CHECK_FALSE(silent);
    CHECK(Clock::now() - began < 40s);
    began = Clock::now();
    CHECK_FALSE(SqlDatabase::open_postgresql(server->uri(), kShort));
    CHECK(Clock::now() - began < 20s);
    server->thaw();
    CHECK(SqlDatabase::open_postgresql(server->uri(), kShort));
  }
}

}  // namespace authmilter
