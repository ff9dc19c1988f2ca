#include "store/views.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "rows/row_text.h"
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

/// Day, domain, organization, kind's text, source, messages.
std::string own_statement(const ViewQuery& query) {
  const Columns& by = query.by;
  const std::string columns = group({{by.day, "day"}, {true, "kind"}, {by.source, "source"}});
  const std::string_view of_domain =
      query.domain ? " AND kind IN (SELECT k.id FROM kind k JOIN policy p ON p.id = k.policy WHERE "
                     "p.domain = $3)"
                   : "";
  return fmt::format(
      "SELECT {}, p.domain, '', k.content, {}, g.messages FROM (SELECT {}, SUM(messages) AS "
      "messages FROM own_row WHERE day BETWEEN $1 AND $2{} GROUP BY {}) g JOIN kind k ON k.id = "
      "g.kind JOIN policy p ON p.id = k.policy",
      by.day ? "g.day" : "0", by.source ? "g.source" : "''", columns, of_domain, columns);
}

std::string received_statement(const ViewQuery& query) {
  const Columns& by = query.by;
  const std::string columns = group({{by.day, "q.day"},
                                     {by.domain, "q.domain"},
                                     {by.organization, "q.organization"},
                                     {true, "r.kind"},
                                     {by.source, "r.source"}});
  return fmt::format(
      "SELECT {}, {}, {}, k.content, {}, g.messages FROM (SELECT {}, SUM(r.messages) AS messages "
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

/// Equal for rows that are told apart by nothing.
std::string key_of(const ViewRow& row) {
  std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}{}{}\n{}\n{}\n{}\n{}\n", row.day,
                                row.domain, row.organization, row.source, row.header_from,
                                row.envelope_from, row.dkim_aligned, row.spf_aligned, row.monitored,
                                row.disposition, row.reasons, row.rule, row.decided);
  for (const auto* list : {&row.dkim, &row.spf}) {
    for (const ViewRow::Auth& auth : *list)
      key += fmt::format("{}\t{}\t{}\n", auth.domain, auth.selector, auth.result);
    key += '\f';
  }
  return key;
}

}  // namespace

SqlStatus find_view(SqlDatabase& database, const ViewQuery& query,
                    const std::function<void(const ViewRow&)>& take) {
  const bool own = query.rows == ViewQuery::Rows::own;
  SqlValues values{std::int64_t{query.first}, std::int64_t{query.last}};
  if (query.domain) values.push_back(sql_text(*query.domain));
  std::unordered_map<std::string, ViewRow> added_up;
  auto asked = database.query(
      own ? own_statement(query) : received_statement(query), values, [&](const SqlRow& answer) {
        ViewRow view;
        view.day = static_cast<ReportDay>(answer.integer(0));
        if (query.by.domain) view.domain = answer.text(1);
        view.organization = answer.text(2);
        if (query.by.source) {
          const auto source = source_of_octets(answer.octets(4));
          if (source) view.source = source->text();
        }
        if (query.by.identifiers || query.by.results) {
          const auto row = parse_kind(answer.text(3));
          if (!row) return;
          if (query.by.identifiers) fill_in_identifiers(view, row->record);
          if (query.by.results) fill_in_results(view, *row);
        }
        const auto count = static_cast<std::uint64_t>(answer.integer(5));
        const auto place = added_up.try_emplace(key_of(view), std::move(view)).first;
        place->second.count += count;
      });
  if (!asked) return asked;
  for (const auto& [key, row] : added_up) take(row);
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
