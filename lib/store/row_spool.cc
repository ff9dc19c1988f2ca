#include <authmilter/row_spool.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "rows/row_text.h"
#include "sql/sql.h"
#include "store/own_rows.h"
#include "store/sql_store.h"

namespace authmilter {
namespace {

// Some hundred thousand batches of one second each: days.
constexpr std::int64_t kMostOctets = 2LL << 30U;
// Another process that has it will have it as long as it lives.
constexpr std::chrono::milliseconds kOthersLock{500};
constexpr std::string_view kSchema =
    "CREATE TABLE IF NOT EXISTS spool (place {number}, writer TEXT NOT NULL, number BIGINT NOT "
    "NULL, messages BIGINT NOT NULL, content TEXT NOT NULL, UNIQUE (writer, number))";

class SqliteSpool final : public RowSpool {
 public:
  explicit SqliteSpool(std::unique_ptr<SqlDatabase> database) : database_(std::move(database)) {}

  StoreStatus prepare() {
    // The lock is taken by the first statement that writes, and kept until the file is closed: who
    // takes batches out has to be the only one, or they would come to the store out of order.
    const auto set = database_->query("PRAGMA locking_mode=EXCLUSIVE", {}, [](const SqlRow&) {});
    if (!set) return store_error(set.error());
    SqlTransaction transaction(*database_);
    if (!transaction.begun()) return store_error(transaction.begun().error());
    if (auto made = database_->define(kSchema); !made) return store_error(made.error());
    if (auto done = transaction.commit(); !done) return store_error(done.error());
    return Done{};
  }

  StoreStatus put(const BatchId& id, std::span<const ReportRow> rows) override {
    std::int64_t used = 0;
    auto asked = database_->query(
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", {},
        [&](const SqlRow& row) { used = row.integer(0); });
    if (!asked) return store_error(asked.error());
    if (used > kMostOctets) return StoreError{StoreError::Kind::later, "the spool is full"};
    std::string content;
    std::uint64_t messages = 0;
    for (const ReportRow& row : rows) {
      content += sql_text(row_text(row), kKindOctets);
      content += '\n';
      messages += row.record.count;
    }
    const auto put = database_->run(
        "INSERT INTO spool (writer, number, messages, content) VALUES ($1, $2, $3, $4) ON CONFLICT "
        "(writer, number) DO NOTHING",
        {id.writer, static_cast<std::int64_t>(id.number), static_cast<std::int64_t>(messages),
         std::move(content)});
    if (!put) return store_error(put.error());
    return Done{};
  }

  StoreResult<std::optional<SpooledBatch>> oldest() override {
    std::optional<SpooledBatch> batch;
    auto asked = database_->query(
        "SELECT writer, number, content FROM spool ORDER BY place LIMIT 1", {},
        [&](const SqlRow& answer) {
          batch.emplace();
          batch->id = {answer.text(0), static_cast<std::uint64_t>(answer.integer(1))};
          const std::string content = answer.text(2);
          for (const std::string_view line : split(content, '\n')) {
            if (auto row = parse_row(line)) batch->rows.push_back(std::move(*row));
          }
        });
    if (!asked) return store_error(asked.error());
    return batch;
  }

  StoreStatus remove(const BatchId& id) override {
    const auto done = database_->run("DELETE FROM spool WHERE writer = $1 AND number = $2",
                                     {id.writer, static_cast<std::int64_t>(id.number)});
    if (!done) return store_error(done.error());
    if (auto given = database_->shrink(); !given) return store_error(given.error());
    return Done{};
  }

  StoreResult<std::uint64_t> messages() override {
    std::int64_t sum = 0;
    auto asked = database_->query("SELECT COALESCE(SUM(messages), 0) FROM spool", {},
                                  [&](const SqlRow& row) { sum = row.integer(0); });
    if (!asked) return store_error(asked.error());
    return static_cast<std::uint64_t>(sum);
  }

 private:
  std::unique_ptr<SqlDatabase> database_;
};

}  // namespace

StoreResult<std::unique_ptr<RowSpool>> RowSpool::open(const std::filesystem::path& directory,
                                                      std::string_view name) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);  // whether it is there, opening says
  auto database = SqlDatabase::open_sqlite((directory / name).string(), SqlAccess::write,
                                           SqlTimes{.lock = kOthersLock});
  if (!database) return store_error(database.error());
  auto spool = std::make_unique<SqliteSpool>(std::move(*database));
  if (auto prepared = spool->prepare(); !prepared) return prepared.error();
  return std::unique_ptr<RowSpool>(std::move(spool));
}

}  // namespace authmilter
