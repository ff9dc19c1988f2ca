#include <libpq-fe.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/c_handle.h"
#include "sql/schema_words.h"
#include "sql/sql.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Connection = CHandle<PGconn, PQfinish>;
using Answer = CHandle<PGresult, PQclear>;

// What a client may set for its session, as far as the server's version has it. A host that
// vanishes does not leave its locks behind for the two hours that TCP waits by default.
constexpr const char* kSession =
    "SELECT set_config(s.name, v.value, false) FROM (VALUES ('statement_timeout', $1), "
    "('lock_timeout', $2), ('idle_in_transaction_session_timeout', '60000'), "
    "('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', "
    "'3'), ('tcp_user_timeout', '30000'), ('client_connection_check_interval', '5000'), "
    "('client_min_messages', 'warning'), ('synchronous_commit', 'on'), "
    "('default_transaction_isolation', 'read committed')) v (name, value) JOIN pg_settings s ON "
    "s.name = v.name";
constexpr std::size_t kPrepared = 200;
// Rows on their way before their answers are read: an answer that nobody reads would stop both ends
// once the socket's buffers are full.
constexpr std::size_t kInFlight = 200;

constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
constexpr Oid kBytea = 17;

/// The statement's text is ours, the server's may be of any kind.
std::string one_line(const char* message) {
  std::string text(trim_fws(message == nullptr ? "" : message));
  text = text.substr(0, text.find('\n'));
  return printable(text);
}

SqlError::Kind kind_of(std::string_view state) {
  // Serialization failure, deadlock.
  if (state == "40001" || state == "40P01") return SqlError::Kind::cancelled;
  // Connection trouble, operator intervention (a server that stops or starts).
  if (state.starts_with("08") || state.starts_with("57P")) return SqlError::Kind::gone;
  // A prepared statement that is not there, or of another: a pooler has put us into a session that
  // is not ours.
  if (state == "26000" || state == "42P05") return SqlError::Kind::gone;
  // Out of resources, a lock or a statement that took too long, a standby.
  if (state.starts_with("53") || state.starts_with("55") || state.starts_with("57") ||
      state.starts_with("58") || state == "25006")
    return SqlError::Kind::busy;
  return SqlError::Kind::wrong;
}

/// The parameters of one execution, as libpq wants them; borrows the values.
class Parameters {
 public:
  explicit Parameters(const SqlValues& values) {
    numbers_.reserve(values.size());
    for (const SqlValue& value : values) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        numbers_.push_back(fmt::format("{}", *number));
        add(numbers_.back(), kInt8, 0);
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        add(*text, kText, 0);
      } else {
        add(std::get<SqlOctets>(value).octets, kBytea, 1);
      }
    }
  }
  int count() const { return static_cast<int>(texts_.size()); }
  const Oid* types() const { return types_.data(); }
  const char* const* texts() const { return texts_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void add(const std::string& text, Oid type, int format) {
    texts_.push_back(text.c_str());
    lengths_.push_back(static_cast<int>(text.size()));
    types_.push_back(type);
    formats_.push_back(format);
  }

  std::vector<std::string> numbers_;
  std::vector<const char*> texts_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<Oid> types_;
};

class Row final : public SqlRow {
 public:
  explicit Row(const PGresult* answer) : answer_(answer) {}
  std::int64_t integer(int column) const override {
    std::int64_t number = 0;
    const std::string_view text = value(column);
    bool negative = false;
    for (const char c : text) {
      if (c == '-') negative = true;
      if (is_digit(c)) number = number * 10 + (c - '0');
    }
    return negative ? -number : number;
  }
  std::string text(int column) const override { return std::string(value(column)); }
  std::string octets(int column) const override {
    // "\x0a1b": text format, as all of an answer is.
    const std::string_view hex = value(column);
    std::string out;
    const auto digit = [](char c) { return is_digit(c) ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 2; i + 1 < hex.size(); i += 2)
      out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
    return out;
  }

 private:
  std::string_view value(int column) const {
    return {PQgetvalue(answer_, 0, column),
            static_cast<std::size_t>(PQgetlength(answer_, 0, column))};
  }
  const PGresult* answer_;
};

class Postgresql final : public SqlDatabase {
 public:
  Postgresql(Connection connection, std::chrono::milliseconds silence)
      : silence_(silence), connection_(std::move(connection)) {}

  SqlResult<std::uint64_t> run(std::string_view sql, const SqlValues& values) override {
    const auto name = prepared(sql, values);
    if (!name) return name.error();
    const Parameters parameters(values);
    if (PQsendQueryPrepared(connection_.get(), name->c_str(), parameters.count(),
                            parameters.texts(), parameters.lengths(), parameters.formats(), 0) == 0)
      return lost();
    return changes(finish());
  }

  SqlResult<std::uint64_t> run_each(std::string_view sql,
                                    std::span<const SqlValues> rows) override {
    std::uint64_t changed = 0;
    while (!rows.empty()) {
      const auto some = rows.first(std::min(rows.size(), kInFlight));
      const auto result = run_together(sql, some);
      if (!result) return result;
      changed += *result;
      rows = rows.subspan(some.size());
    }
    return changed;
  }

  SqlStatus query(std::string_view sql, const SqlValues& values,
                  const std::function<void(const SqlRow&)>& take) override {
    const auto name = prepared(sql, values);
    if (!name) return name.error();
    const Parameters parameters(values);
    if (PQsendQueryPrepared(connection_.get(), name->c_str(), parameters.count(),
                            parameters.texts(), parameters.lengths(), parameters.formats(), 0) == 0)
      return lost();
    PQsetSingleRowMode(connection_.get());
    SqlStatus status = Done{};
    for (;;) {
      auto answer = next();
      if (!answer) return answer.error();
      if (*answer == nullptr) return status;
      if (PQresultStatus(answer->get()) == PGRES_SINGLE_TUPLE) {
        take(Row(answer->get()));
      } else if (auto fault = fault_of(answer->get()); !fault && status) {
        status = fault.error();
      }
    }
  }

  SqlStatus define(std::string_view sql) override {
    const std::string text =
        schema_text(sql, {.octets = "BYTEA",
                          .number = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
                          .by_key = ""});
    return command(text.c_str());
  }

  SqlStatus begin() override { return command("BEGIN"); }
  SqlStatus commit() override { return command("COMMIT"); }
  void rollback() noexcept override {
    try {
      if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE &&
          PQstatus(connection_.get()) == CONNECTION_OK)
        (void)command("ROLLBACK");
    } catch (const std::exception&) {
      connection_.reset();  // the server rolls back what is not committed
    }
  }
  // Autovacuum does.
  SqlStatus shrink() override { return Done{}; }

 private:
  SqlStatus command(const char* sql) {
    if (PQsendQuery(connection_.get(), sql) == 0) return lost();
    const auto result = changes(finish());
    if (!result) return result.error();
    return Done{};
  }

  /// Sends all and then reads the answers, so that a batch costs one journey and not one a row.
  SqlResult<std::uint64_t> run_together(std::string_view sql, std::span<const SqlValues> rows) {
    const auto name = prepared(sql, rows.front());
    if (!name) return name.error();
    if (PQenterPipelineMode(connection_.get()) == 0) return lost();
    for (const SqlValues& values : rows) {
      const Parameters parameters(values);
      if (PQsendQueryPrepared(connection_.get(), name->c_str(), parameters.count(),
                              parameters.texts(), parameters.lengths(), parameters.formats(),
                              0) == 0)
        return lost();
    }
    if (PQpipelineSync(connection_.get()) == 0) return lost();
    std::uint64_t changed = 0;
    SqlStatus status = Done{};
    for (bool synced = false; !synced;) {
      auto answer = next();
      if (!answer) return answer.error();
      if (*answer == nullptr) continue;  // between two statements
      switch (PQresultStatus(answer->get())) {
        case PGRES_PIPELINE_SYNC:
          synced = true;
          break;
        case PGRES_PIPELINE_ABORTED:
          break;  // behind the one that failed
        default:
          if (auto fault = fault_of(answer->get()); !fault) {
            if (status) status = fault.error();
          } else {
            changed += changed_rows(answer->get());
          }
      }
    }
    if (PQexitPipelineMode(connection_.get()) == 0) return lost();
    if (!status) return status.error();
    return changed;
  }

  SqlResult<std::string> prepared(std::string_view sql, const SqlValues& values) {
    if (const auto found = names_.find(sql); found != names_.end()) return found->second;
    if (names_.size() >= kPrepared) {
      if (auto freed = command("DEALLOCATE ALL"); !freed) return freed.error();
      names_.clear();
    }
    const std::string text(sql);
    std::string name = fmt::format("s{}", ++names_made_);
    const Parameters parameters(values);
    if (PQsendPrepare(connection_.get(), name.c_str(), text.c_str(), parameters.count(),
                      parameters.types()) == 0)
      return lost();
    if (const auto result = changes(finish()); !result) return result.error();
    names_.emplace(text, name);
    return name;
  }

  SqlError lost() const {
    return {SqlError::Kind::gone, "postgresql: " + one_line(PQerrorMessage(connection_.get()))};
  }

  /// Waits until the socket can be read or, if there is something to send, written.
  bool wait() {
    const int sending = PQflush(connection_.get());
    if (sending < 0) return false;
    pollfd socket{PQsocket(connection_.get()),
                  static_cast<short>(POLLIN | (sending == 1 ? POLLOUT : 0)), 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(silence_.count()));
    return ready > 0 || (ready < 0 && errno == EINTR);
  }

  /// The next answer; null at the end of those of a statement.
  SqlResult<Answer> next() {
    while (PQisBusy(connection_.get()) != 0 || PQflush(connection_.get()) == 1) {
      if (!wait()) {
        // What the server will still do of it nobody knows: this connection is over.
        connection_.reset();
        return SqlError{SqlError::Kind::gone, "postgresql: the server does not answer"};
      }
      if (PQconsumeInput(connection_.get()) == 0) return lost();
    }
    return Answer(PQgetResult(connection_.get()));
  }

  /// The last answer to what was sent.
  SqlResult<Answer> finish() {
    Answer last;
    for (;;) {
      auto answer = next();
      if (!answer || *answer == nullptr) {
        if (!answer) return answer;
        if (last == nullptr) return lost();
        return last;
      }
      if (last == nullptr || PQresultStatus(last.get()) != PGRES_FATAL_ERROR)
        last = std::move(*answer);
    }
  }

  SqlStatus fault_of(const PGresult* answer) const {
    const ExecStatusType status = PQresultStatus(answer);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return Done{};
    if (PQstatus(connection_.get()) != CONNECTION_OK) return lost();
    const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    return SqlError{state == nullptr ? SqlError::Kind::gone : kind_of(state),
                    "postgresql: " + one_line(PQresultErrorMessage(answer))};
  }

  static std::uint64_t changed_rows(PGresult* answer) {
    std::uint64_t number = 0;
    for (const char* c = PQcmdTuples(answer); is_digit(*c); ++c)
      number = number * 10 + static_cast<std::uint64_t>(*c - '0');
    return number;
  }

  SqlResult<std::uint64_t> changes(SqlResult<Answer> answer) {
    if (!answer) return answer.error();
    if (const auto fault = fault_of(answer->get()); !fault) return fault.error();
    return changed_rows(answer->get());
  }

  const std::chrono::milliseconds silence_;
  Connection connection_;  // null: given up; libpq says so of each call
  std::map<std::string, std::string, std::less<>> names_;
  std::uint64_t names_made_ = 0;
};

/// Ends when it is connected, has failed, or the time is over.
bool connect(PGconn* connection, std::chrono::milliseconds time) {
  const auto deadline = Clock::now() + time;
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms) return false;
    pollfd socket{PQsocket(connection),
                  static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    if (::poll(&socket, 1, static_cast<int>(left.count())) == 0) return false;
    state = PQconnectPoll(connection);
  }
  return state == PGRES_POLLING_OK;
}

}  // namespace

SqlResult<std::unique_ptr<SqlDatabase>> SqlDatabase::open_postgresql(const std::string& uri,
                                                                     const SqlTimes& times) {
  // What stands behind in the list wins, and dbname is the URI with all that it holds.
  const std::array names{"fallback_application_name",
                         "keepalives_idle",
                         "keepalives_interval",
                         "keepalives_count",
                         "tcp_user_timeout",
                         "client_encoding",
                         "dbname",
                         static_cast<const char*>(nullptr)};
  const std::array values{"authmilter", "10",   "5",         "3",
                          "30000",      "UTF8", uri.c_str(), static_cast<const char*>(nullptr)};
  Connection connection(PQconnectStartParams(names.data(), values.data(), 1));
  if (connection == nullptr) return SqlError{SqlError::Kind::busy, "postgresql: out of memory"};
  if (PQstatus(connection.get()) == CONNECTION_BAD || !connect(connection.get(), times.connect)) {
    std::string message = one_line(PQerrorMessage(connection.get()));
    if (message.empty()) message = "the server does not answer";
    return SqlError{SqlError::Kind::gone, "postgresql: " + message};
  }
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  // PQsend... must not block: waiting is done here, with a limit.
  PQsetnonblocking(connection.get(), 1);
  auto database = std::make_unique<Postgresql>(std::move(connection), times.silence);
  // The server gives up before we do.
  const SqlValues limits{fmt::format("{}", times.silence.count() * 4 / 5),
                         fmt::format("{}", times.lock.count())};
  if (auto set = database->query(kSession, limits, [](const SqlRow&) {}); !set) return set.error();
  return std::unique_ptr<SqlDatabase>(std::move(database));
}

}  // namespace authmilter
