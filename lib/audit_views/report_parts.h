#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <authmilter/audit_view.h>

namespace authmilter {

// What all forms of a report have in common. Borrows the report.

/// The subject that rules are about, by the first word of their ids.
struct RuleFamily {
  std::string_view prefixes;  // "dkim", or several with blanks between them
  std::string_view title;     // for people who know none of the acronyms
};
/// Never fails: what belongs to none is in the last one.
const RuleFamily& family_of(const AuditRule& rule);

/// Checks with a status that asks somebody to do something, the most urgent first, otherwise in
/// the order of the rules.
std::vector<const AuditCheck*> to_do(const DomainAudit& domain);
/// Checks of each family that has any, in the order of the rules; within it the worst first.
struct FamilyChecks {
  const RuleFamily* family;
  std::vector<const AuditCheck*> checks;
};
std::vector<FamilyChecks> by_family(const DomainAudit& domain);

struct StatusCounts {
  std::size_t pass = 0, info = 0, warn = 0, fail = 0, unknown = 0;
};
StatusCounts count(const DomainAudit& domain);
/// "2 to mend, 1 to look at, 30 in order"
std::string summary(const DomainAudit& domain);

/// For people: "to mend", "not known", "to look at", "for your information", "in order".
std::string_view words_for(CheckStatus status);
std::string_view words_for(PointStatus status);
/// "worse: in order -> to mend"
std::string words_for(const CheckChange& change);

/// What has changed in the domain at this place of the report; empty without an earlier audit.
std::vector<CheckChange> changes_at(const AuditReport& report, std::size_t domain);

/// What stands below each report: name and value.
using Provenance = std::vector<std::pair<std::string_view, std::string>>;
Provenance provenance(const AuditReport& report);
/// "2026-11-29 14:05 UTC"
std::string minute_text(std::int64_t time);
/// "2026-11-29T14:05:06Z" (RFC 3339)
std::string instant_text(std::int64_t time);

}  // namespace authmilter
