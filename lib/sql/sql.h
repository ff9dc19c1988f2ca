#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <authmilter/result.h>

namespace authmilter {

/// Octets that are no text.
struct SqlOctets {
  std::string octets;
  bool operator==(const SqlOctets&) const = default;
};
/// A value of a statement. Text must have gone through sql_text().
using SqlValue = std::variant<std::int64_t, std::string, SqlOctets>;
using SqlValues = std::vector<SqlValue>;

/// Text as every engine takes it: valid UTF-8 without NUL, what is not becoming U+FFFD, at most
/// `limit` octets. PostgreSQL refuses a statement for one wrong octet, and SQLite gives it back.
std::string sql_text(std::string_view text, std::size_t limit = 4096);

struct SqlError {
  enum class Kind : std::uint8_t {
    busy,       // locked, or the disk is full: the database is there
    gone,       // cannot be reached
    cancelled,  // two writers in each other's way, and this one had to give up: do it again
    wrong,      // the statement, or the database
  };
  Kind kind = Kind::wrong;
  std::string message;  // one line of printable ASCII
  bool operator==(const SqlError&) const = default;
};
template <class T>
using SqlResult = Result<T, SqlError>;
using SqlStatus = SqlResult<Done>;

/// One row of an answer. Columns from 0; valid while it is looked at.
class SqlRow {
 public:
  virtual ~SqlRow() = default;
  virtual std::int64_t integer(int column) const = 0;
  virtual std::string text(int column) const = 0;
  virtual std::string octets(int column) const = 0;
};

enum class SqlAccess : std::uint8_t { read, write };

/// How long a call may wait.
struct SqlTimes {
  /// For a lock that another writer holds. SQLite's wait is not fair: of four processes that wrote
  /// all the time, one waited 2.3 s.
  std::chrono::milliseconds lock{5000};
  std::chrono::milliseconds connect{10'000};
  /// For a server's next sign of life: it may hang while its host still answers, and then neither
  /// keepalives nor its own timeouts help.
  std::chrono::milliseconds silence{30'000};
};

/// A database behind one seam, whatever its engine. Statements are written once for both: with
/// parameters $1, $2 ... in the order of their first appearance, BIGINT for numbers, and in CREATE
/// TABLE `{octets}` for the type of octets, `{number}` for a key that counts itself and `{by_key}`
/// behind a table that is only its primary key. Each statement is prepared once. No call waits
/// without limit; one that fails outside of a transaction has done nothing. One thread at a time.
class SqlDatabase {
 public:
  /// A file, made where it is not there and `access` is `write`, of which nobody but us reads.
  static SqlResult<std::unique_ptr<SqlDatabase>> open_sqlite(const std::string& path,
                                                             SqlAccess access,
                                                             const SqlTimes& times = {});
  /// `uri` as libpq's.
  static SqlResult<std::unique_ptr<SqlDatabase>> open_postgresql(const std::string& uri,
                                                                 const SqlTimes& times = {});
  virtual ~SqlDatabase() = default;

  /// How many rows it has changed.
  virtual SqlResult<std::uint64_t> run(std::string_view sql, const SqlValues& values = {}) = 0;
  /// The same for each of `rows`, together where the engine can; the changes are added up.
  virtual SqlResult<std::uint64_t> run_each(std::string_view sql,
                                            std::span<const SqlValues> rows) = 0;
  /// Calls `take` for each row of the answer, which may be longer than memory. What `take` does
  /// must not use the database.
  virtual SqlStatus query(std::string_view sql, const SqlValues& values,
                          const std::function<void(const SqlRow&)>& take) = 0;
  /// Statements without parameters, of a schema.
  virtual SqlStatus define(std::string_view sql) = 0;
  /// Only from `begin`: others that write wait until it is over. Readers see what was before.
  virtual SqlStatus begin() = 0;
  virtual SqlStatus commit() = 0;
  virtual void rollback() noexcept = 0;
  /// Gives space back that rows have left, as far as that is cheap.
  virtual SqlStatus shrink() = 0;
};

/// A transaction that is given up unless committed.
class SqlTransaction {
 public:
  explicit SqlTransaction(SqlDatabase& database) : database_(database), begun_(database.begin()) {}
  SqlTransaction(const SqlTransaction&) = delete;
  SqlTransaction& operator=(const SqlTransaction&) = delete;
  ~SqlTransaction() {
    if (begun_ && !over_) database_.rollback();
  }
  const SqlStatus& begun() const { return begun_; }
  SqlStatus commit() {
    auto status = database_.commit();
    over_ = static_cast<bool>(status);
    return status;
  }

 private:
  SqlDatabase& database_;
  SqlStatus begun_;
  bool over_ = false;
};

}  // namespace authmilter
