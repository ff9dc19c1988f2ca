#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/audit_view.h>

#include "audit_views/page_style.h"
#include "audit_views/report_parts.h"
#include "page/page_text.h"

namespace authmilter {
namespace {

/// Strangers write what stands in records and in what servers say.
std::string safe(std::string_view text) { return html_text(valid_utf8(text)); }

/// "spf.exists" as a part of an anchor's name.
std::string anchor(std::size_t domain, std::string_view id) {
  return fmt::format("d{}-{}", domain, id);
}

/// A sign that is told from the others without its colour; what reads the page aloud passes it
/// over, since the word stands beside it.
std::string badge(std::string_view style, std::string_view sign, std::string_view words) {
  return fmt::format("<span class=\"s-{}\"><span aria-hidden=\"true\">{}</span> {}</span>", style,
                     sign, safe(words));
}

std::string_view sign_of(CheckStatus status) {
  switch (status) {
    case CheckStatus::pass:
      return "✓";
    case CheckStatus::info:
      return "i";
    case CheckStatus::warn:
      return "!";
    case CheckStatus::fail:
      return "✗";
    case CheckStatus::unknown:
      return "?";
  }
  return "?";
}

std::string badge(CheckStatus status) {
  return badge(to_string(status), sign_of(status), words_for(status));
}

std::string badge(PointStatus status) {
  switch (status) {
    case PointStatus::fulfilled:
      return badge("pass", "✓", words_for(status));
    case PointStatus::not_fulfilled:
      return badge("fail", "✗", words_for(status));
    case PointStatus::not_testable:
      return badge("unknown", "?", words_for(status));
  }
  return "";
}

// Roles are told, though they are those of the elements: where a narrow screen has rows one below
// the other, browsers forget that they were a table.

struct PageColumn {
  std::string_view name;
  std::string_view style;
};

std::string table_begin(std::string_view caption, std::initializer_list<PageColumn> columns) {
  std::string html = fmt::format(
      "<table role=\"table\"><caption>{}</caption><thead role=\"rowgroup\"><tr role=\"row\">",
      safe(caption));
  for (const PageColumn& column : columns)
    html += fmt::format("<th role=\"columnheader\" scope=\"col\" class=\"{}\">{}</th>",
                        column.style, column.name);
  return html + "</tr></thead>\n";
}

std::string group_begin(std::string_view title, std::size_t columns) {
  return fmt::format(
      "<tbody role=\"rowgroup\"><tr role=\"row\"><th role=\"rowheader\" scope=\"rowgroup\" "
      "colspan=\"{}\" class=\"group\">{}</th></tr>\n",
      columns, safe(title));
}

std::string row_header(std::string_view style, const std::string& html) {
  return fmt::format("<th role=\"rowheader\" scope=\"row\" class=\"{}\">{}</th>", style, html);
}

std::string cell(std::string_view style, const std::string& html) {
  return fmt::format("<td role=\"cell\" class=\"{}\">{}</td>", style, html);
}

std::string row(const std::string& cells, const std::string& id = "") {
  return fmt::format("<tr role=\"row\"{}>{}</tr>\n", id.empty() ? "" : " id=\"" + id + "\"", cells);
}

std::string tiles(const DomainAudit& domain) {
  const StatusCounts counts = count(domain);
  std::string html = "<dl class=\"tiles\">";
  const auto add = [&](CheckStatus status, std::size_t number) {
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", badge(status), number);
  };
  add(CheckStatus::fail, counts.fail);
  add(CheckStatus::unknown, counts.unknown);
  add(CheckStatus::warn, counts.warn);
  add(CheckStatus::info, counts.info);
  add(CheckStatus::pass, counts.pass);
  return html + "</dl>\n";
}

std::string_view group_of(std::string_view point) {
  switch (point.front()) {
    case '1':
      return "1 Between mail servers";
    case '2':
      return "2 Between people's devices and the mail server";
    default:
      return "3 Who really wrote a message";
  }
}

std::string points(const DomainAudit& domain) {
  std::size_t fulfilled = 0, missed = 0;
  for (const PointResult& point : domain.points) {
    if (point.status == PointStatus::fulfilled) ++fulfilled;
    if (point.status == PointStatus::not_fulfilled) ++missed;
  }
  std::string html = fmt::format(
      "<h3>The measure, point by point</h3>\n<p>Of {} points {} are fulfilled, {} are not, and {} "
      "cannot be tested from here: each of those says how it is shown.</p>\n",
      domain.points.size(), fulfilled, missed, domain.points.size() - fulfilled - missed);
  html += table_begin(
      "General measure of NÚKIB, file number 350 - 1117/2021, for " + domain.domain.text(),
      {{"Point", "point"},
       {"What must be so", "what"},
       {"Result", "status"},
       {"Evidence, or how it is shown", ""}});
  std::string_view group;
  for (const PointResult& point : domain.points) {
    if (group_of(point.point->point) != group) {
      if (!group.empty()) html += "</tbody>\n";
      group = group_of(point.point->point);
      html += group_begin(group, 4);
    }
    std::string evidence = safe(point.evidence);
    if (point.status == PointStatus::not_testable) {
      if (!evidence.empty()) evidence += "\n";
      evidence += "<em>How to show it:</em> " + safe(point.point->how_to_show);
    }
    html += row(row_header("point", safe(point.point->point)) +
                cell("what", safe(point.point->title)) + cell("status", badge(point.status)) +
                // html_text() makes blanks of line ends, so this one is put back.
                cell("seen", evidence));
  }
  return html + (group.empty() ? "" : "</tbody>") + "</table>\n";
}

std::string what_to_do(const DomainAudit& domain, std::size_t number) {
  const auto checks = to_do(domain);
  std::string html = "<h3>What to do, the most urgent first</h3>\n";
  if (domain.checks.empty()) return html + "<p>Nothing is known: nothing was looked at.</p>\n";
  if (checks.empty()) return html + "<p>Nothing: all that was looked at is in order.</p>\n";
  html += "<ol class=\"todo\">\n";
  for (const AuditCheck* check : checks) {
    html += fmt::format(
        "<li class=\"b-{}\"><h4>Should be so: {}</h4><p>{} <a class=\"id\" "
        "href=\"#{}\">{}</a></p><dl>",
        to_string(check->status), safe(check->rule->title), badge(check->status),
        anchor(number, check->rule->id), safe(check->rule->id));
    const std::string remedy = check->remedy();
    if (!remedy.empty())
      html += fmt::format("<dt>Do</dt><dd class=\"seen do\">{}</dd>", safe(remedy));
    const std::string evidence = check->evidence();
    if (!evidence.empty())
      html += fmt::format("<dt>Seen</dt><dd class=\"seen\">{}</dd>", safe(evidence));
    if (!check->rule->reference.empty())
      html += fmt::format("<dt>Stands in</dt><dd>{}</dd>", safe(check->rule->reference));
    if (!check->rule->points.empty())
      html += fmt::format("<dt>Measure</dt><dd>{}</dd>", safe(check->rule->points));
    html += "</dl></li>\n";
  }
  return html + "</ol>\n";
}

std::string verdict_text(const AuditCheck& check) {
  std::string html;
  for (const Verdict& verdict : check.verdicts) {
    std::string line;
    // One that is as the whole check needs no word of its own.
    if (verdict.status != check.status) line = badge(verdict.status) + " ";
    if (!verdict.subject.empty()) line += "<strong>" + safe(verdict.subject) + "</strong>: ";
    line += safe(verdict.evidence);
    html += (html.empty() ? "" : "\n") + line;
  }
  return html;
}

std::string all_checks(const DomainAudit& domain, std::size_t number) {
  std::string html = "<h3>All that was looked at</h3>\n";
  html += table_begin("Each check with what was seen, for " + domain.domain.text(),
                      {{"Result", "status"}, {"Check", "what"}, {"Evidence", ""}});
  for (const FamilyChecks& family : by_family(domain)) {
    html += group_begin(family.family->title, 3);
    for (const AuditCheck* check : family.checks) {
      html += row(cell("status", badge(check->status)) +
                      row_header("what", safe(check->rule->title) + "<br><span class=\"id\">" +
                                             safe(check->rule->id) + "</span>") +
                      cell("seen", verdict_text(*check)),
                  anchor(number, check->rule->id));
    }
    html += "</tbody>\n";
  }
  return html + "</table>\n";
}

std::string changes(const AuditReport& report, std::size_t number) {
  if (report.since == 0) return "";
  std::string html = fmt::format("<h3>What has changed since {}</h3>\n", minute_text(report.since));
  const auto changed = changes_at(report, number);
  if (changed.empty()) return html + "<p>Nothing.</p>\n";
  html += table_begin("What became worse first",
                      {{"Change", "status"}, {"Check", "what"}, {"Before", ""}, {"Now", ""}});
  html += "<tbody role=\"rowgroup\">\n";
  for (const CheckChange& change : changed) {
    const AuditRule* rule = find_audit_rule(change.id);
    const bool bad = is_worse(change);
    html +=
        row(cell("status", badge(bad ? "fail" : "pass", bad ? "▼" : "▲", to_string(change.kind))) +
            row_header("what", safe(rule == nullptr ? change.id : rule->title) +
                                   "<br><span class=\"id\">" + safe(change.id) + "</span>") +
            cell("seen", change.kind == ChangeKind::appeared
                             ? "not looked at"
                             : badge(change.before) + "\n" + safe(change.evidence_before)) +
            cell("seen", change.kind == ChangeKind::gone
                             ? "not looked at"
                             : badge(change.now) + "\n" + safe(change.evidence_now)));
  }
  return html + "</tbody></table>\n";
}

std::string domain_section(const AuditReport& report, std::size_t number) {
  const DomainAudit& domain = report.domains[number];
  std::string html =
      fmt::format("<section class=\"domain\" aria-labelledby=\"d{0}\"><h2 id=\"d{0}\">{1}</h2>\n",
                  number, safe(domain.domain.text()));
  html += tiles(domain) + changes(report, number);
  if (report.profile.prints_measure) html += points(domain);
  return html + what_to_do(domain, number) + all_checks(domain, number) + "</section>\n";
}

std::string contents(const AuditReport& report) {
  if (report.domains.size() < 2) return "";
  std::string html = "<nav aria-label=\"Domains\"><ul>";
  for (std::size_t i = 0; i < report.domains.size(); ++i) {
    html += fmt::format("<li><a href=\"#d{}\">{}</a>: {}</li>", i,
                        safe(report.domains[i].domain.text()), safe(summary(report.domains[i])));
  }
  return html + "</ul></nav>\n";
}

}  // namespace

std::string audit_html(const AuditReport& report) {
  const std::string title = report.domains.size() == 1
                                ? "Audit of " + report.domains.front().domain.text()
                                : fmt::format("Audit of {} domains", report.domains.size());
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}</title>\n<style>{}</style></head>\n<body>\n",
      content_security_policy(audit_style(), ""), safe(title), audit_style());
  html += fmt::format(
      "<a class=\"skip\" href=\"#main\">To what was found</a>\n<header><h1>{}</h1>\n<p "
      "class=\"soft\">What the "
      "domain publishes and its servers offer for mail, looked at on {}.</p>\n{}</header>\n"
      "<main id=\"main\">\n",
      safe(title), minute_text(report.header.time), contents(report));
  for (std::size_t i = 0; i < report.domains.size(); ++i) html += domain_section(report, i);
  html +=
      "</main>\n<footer><p>How this came about; the facts can be judged again with "
      "<code>authmilter audit --facts</code>.</p><dl>";
  for (const auto& [name, value] : provenance(report))
    html += fmt::format("<dt>{}</dt><dd>{}</dd>", safe(name), safe(value));
  return html + "</dl></footer>\n</body></html>\n";
}

}  // namespace authmilter
