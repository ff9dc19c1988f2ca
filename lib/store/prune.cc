#include "store/prune.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace authmilter {
namespace {

// So that whoever writes waits for some milliseconds only.
constexpr std::int64_t kIdsATime = 20'000;
constexpr std::int64_t kReportsATime = 20;
// Without mail: longer than holidays.
constexpr ReportDay kSilence = 30;
constexpr ReportDay kProof = 7;
// A destination is left alone for a month at most (report_sending/bounces.h).
constexpr ReportDay kBounceDays = 60;

SqlResult<std::int64_t> number(SqlDatabase& database, std::string_view sql,
                               const SqlValues& values = {}) {
  std::int64_t found = -1;
  auto asked = database.query(sql, values, [&](const SqlRow& row) { found = row.integer(0); });
  if (!asked) return asked.error();
  return found;
}

SqlStatus run(SqlDatabase& database, std::string_view sql, const SqlValues& values) {
  const auto done = database.run(sql, values);
  if (!done) return done.error();
  return Done{};
}

/// Those that there is something of, ascending.
SqlResult<std::vector<ReportDay>> stored_days(SqlDatabase& database) {
  std::vector<ReportDay> days;
  auto asked = database.query(
      "SELECT day FROM own_row UNION SELECT day FROM own_pack UNION SELECT day FROM "
      "received_report ORDER BY day",
      {}, [&](const SqlRow& row) { days.push_back(static_cast<ReportDay>(row.integer(0))); });
  if (!asked) return asked.error();
  return days;
}

/// Of one day at a time, from the oldest on.
SqlStatus prune_own_rows(SqlDatabase& database, ReportDay first_kept) {
  for (;;) {
    const auto day = number(database, "SELECT COALESCE(MIN(day), -1) FROM own_row WHERE day < $1",
                            {std::int64_t{first_kept}});
    if (!day) return day.error();
    if (*day < 0) break;
    if (auto done = run(database, "DELETE FROM own_row WHERE day = $1", {*day}); !done) return done;
    if (auto done = database.shrink(); !done) return done;
  }
  return run(database, "DELETE FROM own_pack WHERE day < $1", {std::int64_t{first_kept}});
}

SqlStatus prune_received(SqlDatabase& database, ReportDay first_kept) {
  for (;;) {
    std::vector<std::int64_t> ids;
    auto asked =
        database.query("SELECT id FROM received_report WHERE day < $1 ORDER BY day LIMIT $2",
                       {std::int64_t{first_kept}, kReportsATime},
                       [&](const SqlRow& row) { ids.push_back(row.integer(0)); });
    if (!asked) return asked;
    if (ids.empty()) return Done{};
    SqlTransaction transaction(database);
    if (!transaction.begun()) return transaction.begun();
    for (const std::int64_t id : ids) {
      for (const std::string_view sql :
           {"DELETE FROM received_row WHERE report = $1", "DELETE FROM tls_row WHERE report = $1",
            "DELETE FROM failure_row WHERE report = $1",
            "DELETE FROM received_report WHERE id = $1"}) {
        if (auto done = run(database, sql, {id}); !done) return done;
      }
    }
    if (auto done = transaction.commit(); !done) return done;
  }
}

/// What no row needs that is left: a row makes its kind and policy stay until its own day.
SqlStatus prune_kinds(SqlDatabase& database, ReportDay first_kept) {
  const auto last = number(database, "SELECT COALESCE(MAX(id), -1) FROM kind");
  if (!last) return last.error();
  for (std::int64_t id = 0; id <= *last; id += kIdsATime) {
    auto done = run(database, "DELETE FROM kind WHERE id >= $1 AND id < $2 AND last_day < $3",
                    {id, id + kIdsATime, std::int64_t{first_kept}});
    if (!done) return done;
  }
  return run(database, "DELETE FROM policy WHERE last_day < $1", {std::int64_t{first_kept}});
}

}  // namespace

bool clock_leaps(std::span<const ReportDay> days, ReportDay today) {
  // The days with mail that lead up to today without a long silence.
  ReportDay since = today;
  for (auto day = days.rbegin(); day != days.rend(); ++day) {
    if (*day > today) continue;
    if (since - *day > kSilence) return today - since < kProof;
    since = *day;
  }
  return false;
}

SqlResult<Pruned> prune_store(SqlDatabase& database, ReportDay today, ReportDay kept) {
  const auto days = stored_days(database);
  if (!days) return days.error();
  if (clock_leaps(*days, today)) return Pruned::clock_leaps;
  const ReportDay first_kept = today - kept;
  if (auto done = prune_own_rows(database, first_kept); !done) return done.error();
  if (auto done = prune_received(database, first_kept); !done) return done.error();
  if (auto done = prune_kinds(database, first_kept); !done) return done.error();
  for (const std::string_view sql :
       {"DELETE FROM send WHERE day < $1", "DELETE FROM writer WHERE last_day < $1"}) {
    if (auto done = run(database, sql, {std::int64_t{first_kept}}); !done) return done.error();
  }
  // A day that somebody's clock is behind by is no reason to do twice what only one may.
  if (auto done = run(database, "DELETE FROM lease WHERE ends < $1",
                      {std::int64_t{today - 1} * kDaySeconds});
      !done)
    return done.error();
  if (auto done = run(database, "DELETE FROM bounce WHERE latest < $1",
                      {std::int64_t{today - kBounceDays} * kDaySeconds});
      !done)
    return done.error();
  if (auto done = database.shrink(); !done) return done.error();
  return Pruned::done;
}

}  // namespace authmilter
