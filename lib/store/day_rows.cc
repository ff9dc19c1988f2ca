#include "store/day_rows.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
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

/// Those of one day and source become one.
void merge(std::vector<KindSum>& sums) {
  const auto key = [](const KindSum& sum) { return std::tie(sum.day, sum.source); };
  std::sort(sums.begin(), sums.end(),
            [&](const KindSum& a, const KindSum& b) { return key(a) < key(b); });
  std::size_t last = 0;
  for (std::size_t i = 1; i < sums.size(); ++i) {
    if (key(sums[i]) == key(sums[last])) {
      sums[last].messages += sums[i].messages;
    } else if (++last != i) {
      sums[last] = std::move(sums[i]);
    }
  }
  if (!sums.empty()) sums.resize(last + 1);
}

/// Adds up as rows come: most come once, and those that do not are merged when there are many.
class Sums {
 public:
  explicit Sums(const Grouping& by) : by_(by) {}

  void add(ReportDay day, std::int64_t kind, std::string&& source, std::uint64_t messages) {
    if (!by_.day) day = 0;
    if (!by_.source) source.clear();
    Kind& of_kind = kinds_[kind];
    std::vector<KindSum>& sums = of_kind.sums;
    if (!sums.empty() && sums.back().day == day && sums.back().source == source) {
      sums.back().messages += messages;
      return;
    }
    sums.push_back({day, std::move(source), messages});
    if (sums.size() < of_kind.merge_at) return;
    merge(sums);
    of_kind.merge_at = 2 * sums.size() + kFew;
  }

  KindSums take() {
    KindSums all;
    for (auto& [kind, of_kind] : kinds_) {
      merge(of_kind.sums);
      all.emplace(kind, std::move(of_kind.sums));
    }
    return all;
  }

 private:
  static constexpr std::size_t kFew = 64;
  struct Kind {
    std::vector<KindSum> sums;
    std::size_t merge_at = kFew;
  };
  const Grouping by_;
  std::unordered_map<std::int64_t, Kind> kinds_;
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
