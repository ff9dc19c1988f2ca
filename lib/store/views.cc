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
std::string own_statement(const ViewQuery& query) {
  const Columns& by = query.by;
  const std::string columns = group({{by.day, "day"}, {true, "kind"}, {by.source, "source"}});
  const std::string_view of_domain =
      query.domain ? " AND kind IN (SELECT k.id FROM kind k JOIN policy p ON p.id = k.policy WHERE "
                     "p.domain = $3)"
                   : "";
  return fmt::format(
      "SELECT {}, p.domain, '', k.content, {}, g.messages, g.kind FROM (SELECT {}, SUM(messages) "
      "AS "
      "messages FROM own_row WHERE day BETWEEN $1 AND $2{} GROUP BY {}) g JOIN kind k ON k.id = "
      "g.kind JOIN policy p ON p.id = k.policy",
      by.day ? "g.day" : "0", by.source ? "g.source" : "''", columns, of_domain, columns);
}

/// Day, domain, organization, kind's text, source, messages.
std::string received_statement(const ViewQuery& query) {
  const Columns& by = query.by;
  const std::string columns = group({{by.day, "q.day"},
                                     {by.domain, "q.domain"},
                                     {by.organization, "q.organization"},
                                     {true, "r.kind"},
                                     {by.source, "r.source"}});
  return fmt::format(
      "SELECT {}, {}, {}, k.content, {}, g.messages, g.kind FROM (SELECT {}, SUM(r.messages) AS "
      "messages "
      "FROM received_report q JOIN received_row r ON r.report = q.id WHERE q.day BETWEEN $1 AND "
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

/// One row, with its texts as numbers: there may be hundreds of thousands, and few texts.
struct NumberedRow {
  std::uint32_t projection = 0, source = 0, domain = 0, organization = 0;
  ReportDay day = 0;
  std::uint64_t count = 0;

  auto key() const { return std::tie(projection, source, domain, organization, day); }
};

/// Those that are told apart by nothing become one.
void add_up(std::vector<NumberedRow>& rows) {
  std::sort(rows.begin(), rows.end(),
            [](const NumberedRow& a, const NumberedRow& b) { return a.key() < b.key(); });
  std::size_t last = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].key() == rows[last].key()) {
      rows[last].count += rows[i].count;
    } else {
      rows[++last] = rows[i];
    }
  }
  if (!rows.empty()) rows.resize(last + 1);
/// View rows by what tells them apart.
class AddedUp {
  explicit AddedUp(const Columns& by) : by_(by) {}
  /// What a kind's text says; nothing when it is of another version.
  std::optional<ViewRow> of_kind(std::string_view content) const {
    if (!by_.identifiers && !by_.results) return view;
    const auto row = parse_kind(content);
    if (!row) return std::nullopt;
    if (by_.identifiers) fill_in_identifiers(view, row->record);
    if (by_.results) fill_in_results(view, *row);
    return view;
  void add(ViewRow&& view, std::string_view source, std::uint64_t messages) {
    if (by_.source) {
      if (const auto address = source_of_octets(source)) view.source = address->text();
    const auto place = rows_.try_emplace(key_of(view), std::move(view)).first;
    place->second.count += messages;
  void give(const std::function<void(const ViewRow&)>& take) const {
    for (const auto& [key, row] : rows_) take(row);
  std::unordered_map<std::string, ViewRow> rows_;
SqlStatus add_own(SqlDatabase& database, const ViewQuery& query, AddedUp& added_up) {
  const Columns& by = query.by;
  const auto sums = sum_up(database, query.first, query.last, {.day = by.day, .source = by.source});
  if (!sums) return sums.error();
  SqlValues values{std::int64_t{query.first}};
  std::string of_domain;
  if (query.domain) {
    values.push_back(sql_text(*query.domain));
    of_domain = " AND p.domain = $2";
  return database.query(
      "SELECT k.id, p.domain, k.content FROM kind k JOIN policy p ON p.id = k.policy WHERE "
      "k.last_day >= $1" +
          of_domain,
      values, [&](const SqlRow& row) {
        const auto sum = sums->find(row.integer(0));
        if (sum == sums->end()) return;
        auto view = added_up.of_kind(row.text(2));
        if (!view) return;
        if (by.domain) view->domain = row.text(1);
        for (const KindSum& each : sum->second) {
          ViewRow one = *view;
          one.day = each.day;
          added_up.add(std::move(one), each.source, each.messages);
        }
      });
}
SqlStatus add_received(SqlDatabase& database, const ViewQuery& query, AddedUp& added_up) {
  SqlValues values{std::int64_t{query.first}, std::int64_t{query.last}};
  if (query.domain) values.push_back(sql_text(*query.domain));
  return database.query(received_statement(query), values, [&](const SqlRow& row) {
    auto view = added_up.of_kind(row.text(3));
    if (!view) return;
    view->day = static_cast<ReportDay>(row.integer(0));
    view->domain = row.text(1);
    view->organization = row.text(2);
    added_up.add(std::move(*view), query.by.source ? row.octets(4) : std::string(),
                 static_cast<std::uint64_t>(row.integer(5)));
  });
}

}  // namespace

SqlStatus find_view(SqlDatabase& database, const ViewQuery& query,
                    const std::function<void(const ViewRow&)>& take) {
  const bool own = query.rows == ViewQuery::Rows::own;
  SqlValues values{std::int64_t{query.first}, std::int64_t{query.last}};
  if (query.domain) values.push_back(sql_text(*query.domain));
  Projections projections(query.by);
  Numbered sources, domains, organizations;
  std::vector<NumberedRow> rows;
  auto asked = database.query(
      own ? own_statement(query) : received_statement(query), values, [&](const SqlRow& answer) {
        const auto projection = projections.number(answer.integer(6), answer, 3);
        if (!projection) return;
        rows.push_back({.projection = *projection,
                        .source = sources.number(query.by.source ? answer.octets(4) : ""),
                        .domain = domains.number(query.by.domain ? answer.text(1) : ""),
                        .organization = organizations.number(answer.text(2)),
                        .day = static_cast<ReportDay>(answer.integer(0)),
                        .count = static_cast<std::uint64_t>(answer.integer(5))});
      });
  if (!asked) return asked;
  add_up(rows);
  ViewRow view;
  const NumberedRow* before = nullptr;
  for (const NumberedRow& row : rows) {
    const bool other = before == nullptr || row.projection != before->projection;
    if (other) view = projections.row(row.projection);
    if (other || row.source != before->source) {
      const auto source = source_of_octets(sources.text(row.source));
      view.source = source ? source->text() : "";
    }
    if (other || row.domain != before->domain) view.domain = domains.text(row.domain);
    if (other || row.organization != before->organization)
      view.organization = organizations.text(row.organization);
    view.day = row.day;
    view.count = row.count;
    take(view);
    before = &row;
  }
  AddedUp added_up(query.by);
  auto asked = query.rows == ViewQuery::Rows::own ? add_own(database, query, added_up)
                                                  : add_received(database, query, added_up);
  added_up.give(take);
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
