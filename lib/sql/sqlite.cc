#include <sqlite3.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/c_handle.h"
#include "sql/schema_words.h"
#include "sql/sql.h"

namespace authmilter {
namespace {

using Handle = CHandle<sqlite3, sqlite3_close_v2>;
using Statement = CHandle<sqlite3_stmt, sqlite3_finalize>;

// Statements are a few dozen; a query is put together of parts, but of not many.
constexpr std::size_t kPrepared = 200;

SqlError::Kind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY:
      return SqlError::Kind::busy;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return SqlError::Kind::gone;
    default:
      return SqlError::Kind::wrong;
  }
}

/// "disk I/O error" and "database or disk is full" do not say what to do.
std::string cause(sqlite3* database, int code) {
  if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_FULL) return {};
  const int error = sqlite3_system_errno(database);
  const bool full = (code & 0xff) == SQLITE_FULL || error == ENOSPC || error == EDQUOT ||
                    error == EFBIG || (code == SQLITE_IOERR_SHMSIZE && error == 0);
  if (full) return ": there is no room on its disk, for readers either: make some";
  return error == 0 ? std::string() : ": " + std::generic_category().message(error);
}

class Row final : public SqlRow {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  std::string text(int column) const override {
    const auto* octets = sqlite3_column_text(statement_, column);
    if (octets == nullptr) return {};
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): SQLite's characters
    return {reinterpret_cast<const char*>(octets),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  std::string octets(int column) const override {
    const auto* octets = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    if (octets == nullptr) return {};
    return {octets, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

class Sqlite final : public SqlDatabase {
 public:
  Sqlite(Handle handle, std::string path) : handle_(std::move(handle)), path_(std::move(path)) {}

  SqlResult<std::uint64_t> run(std::string_view sql, const SqlValues& values) override {
    auto statement = prepared(sql);
    if (!statement) return statement.error();
    return step(*statement, values);
  }

  SqlResult<std::uint64_t> run_each(std::string_view sql,
                                    std::span<const SqlValues> rows) override {
    auto statement = prepared(sql);
    if (!statement) return statement.error();
    std::uint64_t changes = 0;
    for (const SqlValues& values : rows) {
      const auto changed = step(*statement, values);
      if (!changed) return changed.error();
      changes += *changed;
    }
    return changes;
  }

  SqlStatus query(std::string_view sql, const SqlValues& values,
                  const std::function<void(const SqlRow&)>& take) override {
    auto statement = prepared(sql);
    if (!statement) return statement.error();
    const Reset reset(*statement);
    if (const auto bound = bind(*statement, values); !bound) return bound.error();
    const Row row(*statement);
    for (;;) {
      const int code = sqlite3_step(*statement);
      if (code == SQLITE_DONE) return Done{};
      if (code != SQLITE_ROW) return error(code);
      take(row);
    }
  }

  SqlStatus define(std::string_view sql) override {
    const std::string text = schema_text(
        sql, {.octets = "BLOB", .number = "INTEGER PRIMARY KEY", .by_key = "WITHOUT ROWID"});
    const int code = sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return error(code);
    return Done{};
  }

  // BEGIN alone would begin as a reader, and one that then writes while another does fails at once,
  // whatever busy_timeout says.
  SqlStatus begin() override { return done(run("BEGIN IMMEDIATE", {})); }
  SqlStatus commit() override { return done(run("COMMIT", {})); }
  void rollback() noexcept override {
    // Some errors have done it already.
    if (sqlite3_get_autocommit(handle_.get()) == 0)
      sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  SqlStatus shrink() override {
    // A step at a time: each locks the file.
    return query("PRAGMA incremental_vacuum(500)", {}, [](const SqlRow&) {});
  }

 private:
  class Reset {
   public:
    explicit Reset(sqlite3_stmt* statement) : statement_(statement) {}
    Reset(const Reset&) = delete;
    Reset& operator=(const Reset&) = delete;
    ~Reset() { sqlite3_reset(statement_); }

   private:
    sqlite3_stmt* statement_;
  };

  static SqlStatus done(const SqlResult<std::uint64_t>& result) {
    if (!result) return result.error();
    return Done{};
  }

  SqlError error(int code) const {
    return {kind_of(code), fmt::format("{}: {}{}", path_, printable(sqlite3_errmsg(handle_.get())),
                                       cause(handle_.get(), code))};
  }

  SqlResult<sqlite3_stmt*> prepared(std::string_view sql) {
    if (const auto found = statements_.find(sql); found != statements_.end())
      return found->second.get();
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return error(code);
    if (statements_.size() >= kPrepared) statements_.clear();
    statements_.emplace(sql, Statement(statement));
    return statement;
  }

  SqlStatus bind(sqlite3_stmt* statement, const SqlValues& values) const {
    int place = 0;
    for (const SqlValue& value : values) {
      ++place;
      int code = SQLITE_OK;
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        code = sqlite3_bind_int64(statement, place, *number);
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        code = sqlite3_bind_text(statement, place, text->data(), static_cast<int>(text->size()),
                                 SQLITE_STATIC);
      } else {
        const std::string& octets = std::get<SqlOctets>(value).octets;
        code = sqlite3_bind_blob(statement, place, octets.data(), static_cast<int>(octets.size()),
                                 SQLITE_STATIC);
      }
      if (code != SQLITE_OK) return error(code);
    }
    return Done{};
  }

  SqlResult<std::uint64_t> step(sqlite3_stmt* statement, const SqlValues& values) {
    const Reset reset(statement);
    if (const auto bound = bind(statement, values); !bound) return bound.error();
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(statement);
    if (code != SQLITE_DONE) return error(code);
    // It keeps the number of the last statement that can change something.
    if (sqlite3_stmt_readonly(statement) != 0) return std::uint64_t{0};
    return static_cast<std::uint64_t>(sqlite3_changes64(handle_.get()));
  }

  Handle handle_;
  const std::string path_;
  std::map<std::string, Statement, std::less<>> statements_;
};

/// What root makes by hand is for the daemon, too, which runs as the owner of what is beside it.
void give_to_owner(int file, const std::string& path) {
  struct stat folder {};
  const auto parent = std::filesystem::path(path).parent_path();
  if (::geteuid() != 0 || ::stat(parent.c_str(), &folder) != 0) return;
  if (::fchown(file, folder.st_uid, folder.st_gid) != 0) return;
}

/// Of what is not there yet: SQLite would let others read it. It gives its other files the same
/// permissions and owner. One that is there is not opened: to close it again would take away the
/// locks that this process has on it (fcntl(2)). None is made where a link leads to.
void make_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640);
  if (file < 0) return;
  give_to_owner(file, path);
  ::close(file);
}

/// "unable to open database file" says nothing to somebody whose daemon has had no message yet.
std::string open_fault(sqlite3* database, const std::string& path, int code, SqlAccess access) {
  if (database == nullptr) return path + ": out of memory";
  std::string text =
      fmt::format("{}: {}{}", path, printable(sqlite3_errmsg(database)), cause(database, code));
  const int error = (code & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(database) : 0;
  if (error != 0) text += ": " + std::generic_category().message(error);
  if (error == ENOENT && access == SqlAccess::read)
    text += ": it is made with the first message that is received or report that is read";
  return text;
}

/// A reader of a file in WAL mode that nobody has open makes the files beside it, which it may not
/// do in a directory of somebody else, and cannot on a disk that is full.
bool needs_others(sqlite3* database) {
  const int code =
      sqlite3_exec(database, "PRAGMA schema_version", nullptr, nullptr, nullptr) & 0xff;
  return code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_IOERR ||
         code == SQLITE_FULL;
}

/// As a file that nobody writes, which is what one without a log is. Where somebody begins to in
/// the meantime, a query may fail, as one of a damaged file does, and the next opening sees the
/// log.
std::string unwritten(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = is_alnum(c) || c == '/' || c == '.' || c == '-' || c == '_';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri + "?immutable=1";
}

/// An empty one is what a reader makes that then has no room for more.
bool has_log(const std::string& path) {
  std::error_code missing;
  const auto octets = std::filesystem::file_size(path + "-wal", missing);
  return !missing && octets > 0;
}

}  // namespace

SqlResult<std::unique_ptr<SqlDatabase>> SqlDatabase::open_sqlite(const std::string& path,
                                                                 SqlAccess access,
                                                                 const SqlTimes& times) {
  if (access == SqlAccess::write) make_private(path);
  sqlite3* opened = nullptr;
  const int flags = access == SqlAccess::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                               : SQLITE_OPEN_READONLY;
  // One thread at a time: no mutexes.
  int code = sqlite3_open_v2(path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Handle handle(opened);
  if (access == SqlAccess::read && code == SQLITE_OK && needs_others(opened) && !has_log(path)) {
    code = sqlite3_open_v2(unwritten(path).c_str(), &opened,
                           flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, nullptr);
    handle.reset(opened);
  }
  if (code != SQLITE_OK) {
    return SqlError{kind_of(code), open_fault(opened, path, code, access)};
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, static_cast<int>(times.lock.count()));
  // Whoever has given us the file may have put triggers and views into it.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  auto database = std::make_unique<Sqlite>(std::move(handle), path);
  if (access == SqlAccess::read) {
    // What a large answer is sorted in is not written to a disk, which may be full.
    const auto set = database->query("PRAGMA temp_store=MEMORY", {}, [](const SqlRow&) {});
    if (!set) return set.error();
  }
  if (access == SqlAccess::write) {
    // auto_vacuum only of a file that is new, before anything is in it.
    for (const char* pragma :
         {"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"}) {
      const auto set = database->query(pragma, {}, [](const SqlRow&) {});
      if (!set) return set.error();
    }
  }
  return std::unique_ptr<SqlDatabase>(std::move(database));
}

}  // namespace authmilter
