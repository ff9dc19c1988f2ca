#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <authmilter/audit_view.h>

#include "audit_views/report_parts.h"
#include "page/page_text.h"

namespace authmilter {
namespace {

const CheckChange* change_of(const std::vector<CheckChange>& changes, std::string_view id) {
  const auto found = std::find_if(changes.begin(), changes.end(),
                                  [&](const CheckChange& change) { return change.id == id; });
  return found == changes.end() ? nullptr : &*found;
}

std::string line(std::initializer_list<std::string_view> fields) {
  std::string text;
  for (const std::string_view field : fields)
    text += (text.empty() ? "" : ",") + csv_field(valid_utf8(field));
  return text + "\r\n";  // RFC 4180 section 2
}

}  // namespace

std::string audit_csv(const AuditReport& report) {
  std::string text = line({"domain", "kind", "id", "status", "change", "points", "title",
                           "evidence", "remedy", "time", "facts_sha256"});
  const std::string time = instant_text(report.header.time);
  for (std::size_t place = 0; place < report.domains.size(); ++place) {
    const DomainAudit& domain = report.domains[place];
    const std::string& name = domain.domain.text();
    const std::vector<CheckChange> changes = changes_at(report, place);
    if (report.profile.prints_measure) {
      for (const PointResult& point : domain.points) {
        text += line({name, "point", point.point->point, to_string(point.status), "",
                      point.point->point, point.point->title, point.evidence,
                      point.status == PointStatus::not_testable ? point.point->how_to_show
                                                                : std::string_view(),
                      time, report.facts_sha256});
      }
    }
    for (const AuditCheck& check : domain.checks) {
      const CheckChange* change = change_of(changes, check.rule->id);
      text += line({name, "check", check.rule->id, to_string(check.status),
                    change == nullptr ? std::string_view() : to_string(change->kind),
                    check.rule->points, check.rule->title, check.evidence(), check.remedy(), time,
                    report.facts_sha256});
    }
    for (const CheckChange& change : changes) {
      if (change.kind != ChangeKind::gone) continue;
      text += line({name, "check", change.id, "", to_string(change.kind), "", "",
                    change.evidence_before, "", time, report.facts_sha256});
    }
  }
  return text;
}

}  // namespace authmilter
