#include "store/day_rows.h"

#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace authmilter {
namespace {

SqlError damaged(ReportDay day) {
  return {SqlError::Kind::wrong, fmt::format("the rows of day {} cannot be unpacked", day)};
}

SqlStatus put_parts(SqlDatabase& database, ReportDay day, const PackedRows& rows) {
  std::vector<SqlValues> values;
  for (std::string& part : pack(rows)) {
    values.push_back(
        {std::int64_t{day}, static_cast<std::int64_t>(values.size()), SqlOctets{std::move(part)}});
  }
  const auto put =
      database.run_each("INSERT INTO own_pack (day, part, content) VALUES ($1, $2, $3)", values);
  if (!put) return put.error();
  return Done{};
}

/// What is taken out of the two tables is what is put into one: somebody who writes at the same
/// time is either among it or comes behind.
SqlStatus pack_day(SqlDatabase& database, ReportDay day) {
  SqlTransaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  PackedRows rows;
  bool whole = true;
  auto taken = database.query("DELETE FROM own_pack WHERE day = $1 RETURNING content",
                              {std::int64_t{day}}, [&](const SqlRow& row) {
                                whole = unpack(row.octets(0),
                                               [&](PackedKey&& key, std::uint64_t messages) {
                                                 rows[std::move(key)] += messages;
                                               }) &&
                                        whole;
                              });
  if (!taken) return taken;
  if (!whole) return damaged(day);
  taken = database.query(
      "DELETE FROM own_row WHERE day = $1 RETURNING kind, source, messages", {std::int64_t{day}},
      [&](const SqlRow& row) {
        rows[{row.integer(0), row.octets(1)}] += static_cast<std::uint64_t>(row.integer(2));
      });
  if (!taken) return taken;
  if (auto put = put_parts(database, day, rows); !put) return put;
  return transaction.commit();
}

/// Adds one to what there is.
class Sums {
 public:
  explicit Sums(const Grouping& by) : by_(by) {}

  void add(ReportDay day, std::int64_t kind, std::string&& source, std::uint64_t messages) {
    if (!by_.day) day = 0;
    if (!by_.source) source.clear();
    std::string key = fmt::format("{} {} ", kind, day);
    key += source;
    std::vector<KindSum>& list = sums_[kind];
    const auto [place, added] = places_.try_emplace(std::move(key), list.size());
    if (added) {
      list.push_back({day, std::move(source), messages});
    } else {
      list[place->second].messages += messages;
    }
  }
  KindSums take() { return std::move(sums_); }

 private:
  const Grouping by_;
  std::unordered_map<std::string, std::size_t> places_;
  KindSums sums_;
};

}  // namespace

SqlStatus pack_days_before(SqlDatabase& database, ReportDay day) {
  std::vector<ReportDay> days;
  auto asked = database.query(
      "SELECT DISTINCT day FROM own_row WHERE day < $1 ORDER BY day", {std::int64_t{day}},
      [&](const SqlRow& row) { days.push_back(static_cast<ReportDay>(row.integer(0))); });
  if (!asked) return asked;
  for (const ReportDay each : days) {
    if (auto packed = pack_day(database, each); !packed) return packed;
    if (auto given = database.shrink(); !given) return given;
  }
  return Done{};
}

SqlResult<KindSums> sum_up(SqlDatabase& database, ReportDay first, ReportDay last,
                           const Grouping& by) {
  Sums sums(by);
  const SqlValues days{std::int64_t{first}, std::int64_t{last}};
  const std::string columns =
      fmt::format("{}kind{}", by.day ? "day, " : "", by.source ? ", source" : "");
  auto asked = database.query(
      fmt::format("SELECT {}, kind, {}, SUM(messages) FROM own_row WHERE day BETWEEN $1 AND $2 "
                  "GROUP BY {}",
                  by.day ? "day" : "0", by.source ? "source" : "''", columns),
      days, [&](const SqlRow& row) {
        sums.add(static_cast<ReportDay>(row.integer(0)), row.integer(1),
                 by.source ? row.octets(2) : std::string(),
                 static_cast<std::uint64_t>(row.integer(3)));
      });
  if (!asked) return asked.error();
  std::optional<ReportDay> bad;
  asked = database.query(
      "SELECT day, content FROM own_pack WHERE day BETWEEN $1 AND $2 ORDER BY day, part", days,
      [&](const SqlRow& row) {
        const auto day = static_cast<ReportDay>(row.integer(0));
        const bool whole = unpack(row.octets(1), [&](PackedKey&& key, std::uint64_t messages) {
          sums.add(day, key.kind, std::move(key.source), messages);
        });
        if (!whole) bad = day;
      });
  if (!asked) return asked.error();
  if (bad) return damaged(*bad);
  return sums.take();
}

}  // namespace authmilter
