#include <string>
#include <vector>

#include <fmt/format.h>

#include <authmilter/audit_view.h>

#include "audit_views/report_parts.h"
#include "page/page_text.h"

namespace authmilter {
namespace {

// By hand: what goes into it is texts alone, and nlohmann/json costs each source ten seconds.

std::string json_of(std::string_view text) { return json_text(valid_utf8(text)); }

std::string member(std::string_view name, std::string_view text) {
  return fmt::format("\"{}\": {}", name, json_of(text));
}

/// "[...]" of values that are JSON already, each on a line of its own.
std::string list_of(const std::vector<std::string>& values, std::string_view indent) {
  if (values.empty()) return "[]";
  std::string list = "[";
  for (const std::string& value : values)
    list += fmt::format("{}\n{}  {}", &value == &values.front() ? "" : ",", indent, value);
  return list + fmt::format("\n{}]", indent);
}

std::string points_of(std::string_view points) {
  std::string list;
  while (!points.empty()) {
    const std::size_t end = std::min(points.find(' '), points.size());
    if (end > 0) list += (list.empty() ? "" : ", ") + json_of(points.substr(0, end));
    points.remove_prefix(std::min(end + 1, points.size()));
  }
  return "[" + list + "]";
}

std::string json_of(const Verdict& verdict) {
  return fmt::format("{{{}, {}, {}, {}}}", member("status", to_string(verdict.status)),
                     member("subject", verdict.subject), member("evidence", verdict.evidence),
                     member("remedy", verdict.remedy));
}

std::string json_of(const AuditCheck& check) {
  std::vector<std::string> verdicts;
  for (const Verdict& verdict : check.verdicts) verdicts.push_back(json_of(verdict));
  return fmt::format(
      "{{{}, {}, \"points\": {},\n       {}, {},\n       {},\n       {},\n       "
      "\"verdicts\": {}}}",
      member("id", check.rule->id), member("status", to_string(check.status)),
      points_of(check.rule->points), member("title", check.rule->title),
      member("reference", check.rule->reference), member("evidence", check.evidence()),
      member("remedy", check.remedy()), list_of(verdicts, "       "));
}

std::string json_of(const PointResult& point) {
  return fmt::format("{{{}, {}, {}, {}, {}}}", member("point", point.point->point),
                     member("status", to_string(point.status)), member("evidence", point.evidence),
                     member("title", point.point->title),
                     member("how_to_show", point.point->how_to_show));
}

std::string json_of(const CheckChange& change) {
  const bool was = change.kind != ChangeKind::appeared;
  const bool is = change.kind != ChangeKind::gone;
  return fmt::format("{{{}, {}, \"is_worse\": {}, \"before\": {}, \"now\": {}, {}, {}}}",
                     member("id", change.id), member("change", to_string(change.kind)),
                     is_worse(change), was ? json_of(to_string(change.before)) : "null",
                     is ? json_of(to_string(change.now)) : "null",
                     member("evidence_before", change.evidence_before),
                     member("evidence_now", change.evidence_now));
}

std::string json_of(const AuditReport& report, std::size_t place) {
  const DomainAudit& domain = report.domains[place];
  std::vector<std::string> checks, points, changes;
  for (const AuditCheck& check : domain.checks) checks.push_back(json_of(check));
  for (const PointResult& point : domain.points) points.push_back(json_of(point));
  for (const CheckChange& change : changes_at(report, place)) changes.push_back(json_of(change));
  std::string json = fmt::format("  {{{},\n   \"checks\": {},\n   \"points\": {},\n",
                                 member("domain", domain.domain.text()), list_of(checks, "   "),
                                 list_of(points, "   "));
  if (report.since != 0) {
    json += fmt::format("   {},\n   \"changes\": {},\n",
                        member("since", instant_text(report.since)), list_of(changes, "   "));
  }
  return json +
         fmt::format(
             "   {}, {}, {}, {},\n   {}, {}}}", member("time", instant_text(report.header.time)),
             member("program", report.header.program), member("resolver", report.header.resolver),
             member("tls_library", report.header.tls_library),
             member("profile", report.profile.name), member("facts_sha256", report.facts_sha256));
}

}  // namespace

std::string audit_json(const AuditReport& report) {
  std::string json = "[\n";
  for (std::size_t place = 0; place < report.domains.size(); ++place)
    json += json_of(report, place) + (place + 1 < report.domains.size() ? ",\n" : "\n");
  return json + "]\n";
}

}  // namespace authmilter
