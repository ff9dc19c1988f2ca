#include "store/send_log.h"

#include <optional>
#include <string>
#include <utility>

#include "base/words.h"

namespace authmilter {
namespace {

constexpr Word<SendState> kStates[] = {{SendState::planned, "planned"},
                                       {SendState::sending, "sending"},
                                       {SendState::sent, "sent"},
                                       {SendState::failed, "failed"}};
static_assert(is_complete(kStates, SendState::failed));

std::optional<SendState> parse_state(std::string_view word) {
  for (const auto& state : kStates) {
    if (state.word == word) return state.value;
  }
  return std::nullopt;
}

constexpr std::size_t kDetailOctets = 500;
// Clocks of hosts differ by less. A lease that ends later than that behind one of now was taken
// while a clock was ahead, and would last until that time comes.
constexpr std::int64_t kClocksDiffer = 2 * 86'400;

SqlStatus done(const SqlResult<std::uint64_t>& result) {
  if (!result) return result.error();
  return Done{};
}

std::optional<SendEntry> entry_of(const SqlRow& row) {
  auto domain = DomainName::parse(row.text(1));
  const auto state = parse_state(row.text(5));
  if (!domain || !state) return std::nullopt;
  return SendEntry{.day = static_cast<ReportDay>(row.integer(0)),
                   .policy_domain = std::move(*domain),
                   .destination = row.text(2),
                   .report_id = row.text(3),
                   .file_name = row.text(4),
                   .state = *state,
                   .attempts = static_cast<unsigned>(row.integer(6)),
                   .changed = row.integer(7),
                   .detail = row.text(8)};
}

constexpr std::string_view kFindSends =
    "SELECT day, domain, destination, report_id, file_name, state, attempts, changed, detail FROM "
    "send WHERE day BETWEEN $1 AND $2 ORDER BY day, domain, destination, report_id";
constexpr std::string_view kFindSend =
    "SELECT day, domain, destination, report_id, file_name, state, attempts, changed, detail FROM "
    "send WHERE day = $1 AND domain = $2 AND destination = $3 AND report_id = $4";

}  // namespace

std::string_view to_string(SendState state) { return word_of(kStates, state); }

SqlResult<std::vector<SendEntry>> plan_sends(SqlDatabase& database,
                                             std::span<const SendEntry> entries) {
  std::vector<SqlValues> values;
  for (const SendEntry& entry : entries) {
    values.push_back(
        {std::int64_t{entry.day}, entry.policy_domain.text(), sql_text(entry.destination),
         sql_text(entry.report_id), sql_text(entry.file_name), std::string(to_string(entry.state)),
         std::int64_t{entry.attempts}, entry.changed, sql_text(entry.detail, kDetailOctets)});
  }
  SqlTransaction transaction(database);
  if (!transaction.begun()) return transaction.begun().error();
  const auto put = database.run_each(
      "INSERT INTO send (day, domain, destination, report_id, file_name, state, attempts, changed, "
      "detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (day, domain, destination, "
      "report_id) DO NOTHING",
      values);
  if (!put) return put.error();
  std::vector<SendEntry> found;
  for (const SqlValues& key : values) {
    auto asked =
        database.query(kFindSend, {key[0], key[1], key[2], key[3]}, [&](const SqlRow& row) {
          if (auto entry = entry_of(row)) found.push_back(std::move(*entry));
        });
    if (!asked) return asked.error();
  }
  if (auto committed = transaction.commit(); !committed) return committed.error();
  return found;
}

SqlResult<std::vector<SendEntry>> find_sends(SqlDatabase& database, ReportDay first,
                                             ReportDay last) {
  std::vector<SendEntry> found;
  auto asked =
      database.query(kFindSends, {std::int64_t{first}, std::int64_t{last}}, [&](const SqlRow& row) {
        if (auto entry = entry_of(row)) found.push_back(std::move(*entry));
      });
  if (!asked) return asked.error();
  return found;
}

SqlResult<bool> advance_send(SqlDatabase& database, const SendEntry& entry, SendState from,
                             SendState to, std::int64_t now, std::string_view detail) {
  const auto changed = database.run(
      "UPDATE send SET state = $1, attempts = attempts + $2, changed = $3, detail = $4 WHERE day = "
      "$5 AND domain = $6 AND destination = $7 AND report_id = $8 AND state = $9",
      {std::string(to_string(to)), std::int64_t{to == SendState::sending ? 1 : 0}, now,
       sql_text(detail, kDetailOctets), std::int64_t{entry.day}, entry.policy_domain.text(),
       sql_text(entry.destination), sql_text(entry.report_id), std::string(to_string(from))});
  if (!changed) return changed.error();
  return *changed == 1;
}

SqlStatus add_bounce(SqlDatabase& database, std::string_view destination, std::int64_t now,
                     std::string_view detail) {
  return done(database.run(
      "INSERT INTO bounce (destination, times, latest, detail) VALUES ($1, 1, $2, $3) ON CONFLICT "
      "(destination) DO UPDATE SET times = bounce.times + 1, latest = excluded.latest, detail = "
      "excluded.detail",
      {sql_text(destination), now, sql_text(detail, kDetailOctets)}));
}

SqlStatus remove_bounces(SqlDatabase& database, std::string_view destination) {
  return done(database.run("DELETE FROM bounce WHERE destination = $1", {sql_text(destination)}));
}

SqlResult<std::vector<Bounce>> find_bounces(SqlDatabase& database) {
  std::vector<Bounce> found;
  auto asked =
      database.query("SELECT destination, times, latest, detail FROM bounce ORDER BY destination",
                     {}, [&](const SqlRow& row) {
                       found.push_back({row.text(0), static_cast<unsigned>(row.integer(1)),
                                        row.integer(2), row.text(3)});
                     });
  if (!asked) return asked.error();
  return found;
}

SqlResult<bool> lease(SqlDatabase& database, std::string_view name, std::string_view holder,
                      std::int64_t now, std::chrono::seconds time) {
  const std::int64_t ends = now + static_cast<std::int64_t>(time.count());
  const auto taken = database.run(
      "INSERT INTO lease (name, holder, ends) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET "
      "holder = excluded.holder, ends = excluded.ends WHERE lease.holder = excluded.holder OR "
      "lease.ends <= $4 OR lease.ends > $5",
      {sql_text(name), sql_text(holder), ends, now, ends + kClocksDiffer});
  if (!taken) return taken.error();
  return *taken == 1;
}

SqlStatus end_lease(SqlDatabase& database, std::string_view name, std::string_view holder) {
  return done(database.run("DELETE FROM lease WHERE name = $1 AND holder = $2",
                           {sql_text(name), sql_text(holder)}));
}

}  // namespace authmilter
