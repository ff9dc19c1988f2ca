#include "store/views.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "rows/row_text.h"
#include "store/day_rows.h"
#include "store/own_rows.h"

namespace authmilter {
namespace {

using Columns = ViewQuery::Columns;

/// What the database adds up by; the rest, which is in the text of a kind, is added up here.
std::string group(std::initializer_list<std::pair<bool, std::string_view>> columns) {
  std::string list;
  for (const auto& [wanted, name] : columns) {
    if (wanted) list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
  }
  return list;
}

/// Day, domain, organization, kind's text, source, messages, kind.
std::string received_statement(const ViewQuery& query) {
  const Columns& by = query.by;
  const std::string columns = group({{by.day, "q.day"},
                                     {by.domain, "q.domain"},
                                     {by.organization, "q.organization"},
                                     {true, "r.kind"},
                                     {by.source, "r.source"}});
  return fmt::format(
      "SELECT {}, {}, {}, k.content, {}, g.messages, g.kind FROM (SELECT {}, SUM(r.messages) AS "
      "messages FROM received_report q JOIN received_row r ON r.report = q.id WHERE q.day BETWEEN "
      "$1 AND "
      "$2{} GROUP BY {}) g JOIN kind k ON k.id = g.kind",
      by.day ? "g.day" : "0", by.domain ? "g.domain" : "''",
      by.organization ? "g.organization" : "''", by.source ? "g.source" : "''", columns,
      query.domain ? " AND q.domain = $3" : "", columns);
}

void fill_in_identifiers(ViewRow& view, const AggregateRecord& record) {
  view.header_from = record.header_from;
  view.envelope_from = record.envelope_from.value_or("");
  for (const ReportedDkim& dkim : record.dkim_results)
    view.dkim.push_back({dkim.domain, dkim.selector, std::string(to_string(dkim.result))});
  for (const ReportedSpf& spf : record.spf_results)
    view.spf.push_back({spf.domain, "", std::string(to_string(spf.result))});
}

void fill_in_results(ViewRow& view, const ReportRow& row) {
  const AggregateRecord& record = row.record;
  view.disposition = to_string(record.disposition);
  view.dkim_aligned = record.dkim == AlignedResult::pass;
  view.spf_aligned = record.spf == AlignedResult::pass;
  for (const PolicyOverrideReason& reason : record.reasons) {
    if (!view.reasons.empty()) view.reasons += ' ';
    view.reasons += to_string(reason.type);
  }
  // Received rows have neither: they are as a row of ours of which nothing is known.
  if (row.rule == Rule::nothing && row.decided == Disposition::accept) return;
  view.rule = to_string(row.rule);
  view.decided = to_string(row.decided);
  view.monitored = row.monitored;
}

/// Equal for kinds that are told apart by nothing.
std::string key_of(const ViewRow& row) {
  std::string key = fmt::format("{}\n{}\n{}{}{}\n{}\n{}\n{}\n{}\n", row.header_from,
                                row.envelope_from, row.dkim_aligned, row.spf_aligned, row.monitored,
                                row.disposition, row.reasons, row.rule, row.decided);
  for (const auto* list : {&row.dkim, &row.spf}) {
    for (const ViewRow::Auth& auth : *list)
      key += fmt::format("{}\t{}\t{}\n", auth.domain, auth.selector, auth.result);
    key += '\f';
  }
  return key;
}

/// Texts as numbers, from 0 upwards.
class Numbered {
 public:
  std::uint32_t number(std::string text) {
    const auto [place, made] = numbers_.try_emplace(std::move(text), numbers_.size());
    if (made) texts_.push_back(&place->first);
    return static_cast<std::uint32_t>(place->second);
  }
  const std::string& text(std::uint32_t number) const { return *texts_[number]; }

 private:
  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<const std::string*> texts_;  // whose place does not change
};

/// Of kinds, what a query tells apart. Each is read once: there are many rows of a kind.
class Projections {
 public:
  explicit Projections(const Columns& by) : by_(by) {}

  /// Nothing for a kind that cannot be read.
  std::optional<std::uint32_t> number(std::int64_t kind, const SqlRow& answer, int content) {
    const auto known = of_kinds_.find(kind);
    if (known != of_kinds_.end()) return known->second;
    return of_kinds_.emplace(kind, project(answer.text(content))).first->second;
  }
  const ViewRow& row(std::uint32_t number) const { return rows_[number]; }

 private:
  std::optional<std::uint32_t> project(const std::string& content) {
    ViewRow view;
    if (by_.identifiers || by_.results) {
      const auto row = parse_kind(content);
      if (!row) return std::nullopt;
      if (by_.identifiers) fill_in_identifiers(view, row->record);
      if (by_.results) fill_in_results(view, *row);
    }
    const std::uint32_t number = keys_.number(key_of(view));
    if (number == rows_.size()) rows_.push_back(std::move(view));
    return number;
  }

  const Columns by_;
  std::unordered_map<std::int64_t, std::optional<std::uint32_t>> of_kinds_;
  Numbered keys_;
  std::vector<ViewRow> rows_;
};

/// Rows with their texts as numbers: there may be hundreds of thousands, and few texts.
class NumberedRows {
 public:
  explicit NumberedRows(const Columns& by) : by_(by), projections_(by) {}

  SqlStatus add_own(SqlDatabase& database, const ViewQuery& query) {
    const auto sums =
        sum_up(database, query.first, query.last, {.day = by_.day, .source = by_.source});
    if (!sums) return sums.error();
    SqlValues values{std::int64_t{query.first}};
    if (query.domain) values.push_back(sql_text(*query.domain));
    return database.query(fmt::format("SELECT k.id, p.domain, k.content FROM kind k JOIN policy p "
                                      "ON p.id = k.policy WHERE k.last_day >= $1{}",
                                      query.domain ? " AND p.domain = $2" : ""),
                          values, [&](const SqlRow& answer) {
                            const std::int64_t kind = answer.integer(0);
                            const auto sum = sums->find(kind);
                            if (sum == sums->end()) return;
                            const auto projection = projections_.number(kind, answer, 2);
                            if (!projection) return;
                            for (const KindSum& each : sum->second)
                              add(*projection, each.day, answer.text(1), "", each.source,
                                  each.messages);
                          });
  }

  SqlStatus add_received(SqlDatabase& database, const ViewQuery& query) {
    SqlValues values{std::int64_t{query.first}, std::int64_t{query.last}};
    if (query.domain) values.push_back(sql_text(*query.domain));
    return database.query(received_statement(query), values, [&](const SqlRow& answer) {
      const auto projection = projections_.number(answer.integer(6), answer, 3);
      if (!projection) return;
      add(*projection, static_cast<ReportDay>(answer.integer(0)), answer.text(1), answer.text(2),
          by_.source ? answer.octets(4) : "", static_cast<std::uint64_t>(answer.integer(5)));
    });
  }

  void give(const std::function<void(const ViewRow&)>& take) {
    add_up();
    ViewRow view;
    const Row* before = nullptr;
    for (const Row& row : rows_) {
      const bool other = before == nullptr || row.projection != before->projection;
      if (other) view = projections_.row(row.projection);
      if (other || row.source != before->source) {
        const auto source = source_of_octets(sources_.text(row.source));
        view.source = source ? source->text() : "";
      }
      if (other || row.domain != before->domain) view.domain = domains_.text(row.domain);
      if (other || row.organization != before->organization)
        view.organization = organizations_.text(row.organization);
      view.day = row.day;
      view.count = row.count;
      take(view);
      before = &row;
    }
  }

 private:
  struct Row {
    std::uint32_t projection = 0, source = 0, domain = 0, organization = 0;
    ReportDay day = 0;
    std::uint64_t count = 0;

    auto key() const { return std::tie(projection, source, domain, organization, day); }
  };

  void add(std::uint32_t projection, ReportDay day, const std::string& domain,
           const std::string& organization, const std::string& source, std::uint64_t count) {
    rows_.push_back({.projection = projection,
                     .source = sources_.number(source),
                     .domain = domains_.number(by_.domain ? domain : ""),
                     .organization = organizations_.number(organization),
                     .day = day,
                     .count = count});
  }

  /// Those that are told apart by nothing become one.
  void add_up() {
    std::sort(rows_.begin(), rows_.end(),
              [](const Row& a, const Row& b) { return a.key() < b.key(); });
    std::size_t last = 0;
    for (std::size_t i = 1; i < rows_.size(); ++i) {
      if (rows_[i].key() == rows_[last].key()) {
        rows_[last].count += rows_[i].count;
      } else {
        rows_[++last] = rows_[i];
      }
    }
    if (!rows_.empty()) rows_.resize(last + 1);
  }

  const Columns by_;
  Projections projections_;
  Numbered sources_, domains_, organizations_;
  std::vector<Row> rows_;
};

}  // namespace

SqlStatus find_view(SqlDatabase& database, const ViewQuery& query,
                    const std::function<void(const ViewRow&)>& take) {
  NumberedRows rows(query.by);
  auto asked = query.rows == ViewQuery::Rows::own ? rows.add_own(database, query)
                                                  : rows.add_received(database, query);
  if (!asked) return asked;
  rows.give(take);
  return Done{};
}

SqlStatus find_tls_view(SqlDatabase& database, ReportDay first, ReportDay last,
                        const std::function<void(const TlsViewRow&)>& take) {
  return database.query(
      "SELECT q.day, t.domain, q.organization, t.policy_type, t.result_type, t.receiving_mx, "
      "t.detail, SUM(t.sessions) FROM received_report q JOIN tls_row t ON t.report = q.id WHERE "
      "q.day BETWEEN $1 AND $2 GROUP BY q.day, t.domain, q.organization, t.policy_type, "
      "t.result_type, t.receiving_mx, t.detail",
      {std::int64_t{first}, std::int64_t{last}}, [&](const SqlRow& row) {
        take({static_cast<ReportDay>(row.integer(0)), row.text(1), row.text(2), row.text(3),
              row.text(4), row.text(5), row.text(6), static_cast<std::uint64_t>(row.integer(7))});
      });
}

}  // namespace authmilter
