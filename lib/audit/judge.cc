#include <algorithm>
#include <utility>

#include <authmilter/audit.h>

namespace authmilter {
namespace {

/// How soon a person should hear of it.
int urgency(CheckStatus status) {
  switch (status) {
    case CheckStatus::pass:
      return 0;
    case CheckStatus::info:
      return 1;
    case CheckStatus::warn:
      return 2;
    case CheckStatus::unknown:
      return 3;
    case CheckStatus::fail:
      return 4;
  }
  return 4;
}

/// `part` of each verdict that has the check's status, once, with its subject.
std::string joined(const AuditCheck& check, std::string Verdict::*part,
                   std::string_view separator) {
  std::vector<std::string> parts;
  for (const Verdict& verdict : check.verdicts) {
    if (verdict.status != check.status || (verdict.*part).empty()) continue;
    const bool named = part == &Verdict::evidence && !verdict.subject.empty();
    std::string text = named ? verdict.subject + ": " + verdict.*part : verdict.*part;
    if (std::find(parts.begin(), parts.end(), text) == parts.end())
      parts.push_back(std::move(text));
  }
  std::string line;
  for (const std::string& text : parts) {
    if (!line.empty()) line += separator;
    line += text;
  }
  return line;
}

}  // namespace

std::string_view to_string(CheckStatus status) {
  switch (status) {
    case CheckStatus::pass:
      return "pass";
    case CheckStatus::info:
      return "info";
    case CheckStatus::warn:
      return "warn";
    case CheckStatus::fail:
      return "fail";
    case CheckStatus::unknown:
      return "unknown";
  }
  return "unknown";
}

CheckStatus worse(CheckStatus one, CheckStatus other) {
  return urgency(one) < urgency(other) ? other : one;
}

std::string AuditCheck::evidence() const { return joined(*this, &Verdict::evidence, "; "); }
std::string AuditCheck::remedy() const { return joined(*this, &Verdict::remedy, " "); }

DomainAudit judge_domain(const DomainFacts& facts, const AuditHeader& header,
                         const AuditProfile& profile, const KeyOwners* owners) {
  FactsResolver dns(facts.dns);
  const RuleInput input{facts,   dns,         header.host ? &*header.host : nullptr,
                        profile, header.time, owners};
  DomainAudit audit{facts.domain, {}, {}};
  for (const AuditRule* rule : audit_rules()) {
    AuditCheck check{rule, CheckStatus::pass, rule->judge(input)};
    if (check.verdicts.empty()) continue;
    const bool strict = std::find(profile.failing_rules.begin(), profile.failing_rules.end(),
                                  rule->id) != profile.failing_rules.end();
    for (Verdict& verdict : check.verdicts) {
      if (strict && verdict.status == CheckStatus::warn) verdict.status = CheckStatus::fail;
      check.status = worse(check.status, verdict.status);
    }
    std::stable_sort(check.verdicts.begin(), check.verdicts.end(),
                     [](const Verdict& one, const Verdict& other) {
                       return urgency(one.status) > urgency(other.status);
                     });
    audit.checks.push_back(std::move(check));
  }
  audit.points = judge_points(audit.checks);
  return audit;
}

}  // namespace authmilter
