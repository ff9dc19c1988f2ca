#include <algorithm>

#include <authmilter/audit_view.h>

namespace authmilter {
namespace {

const AuditCheck* find_check(const DomainAudit& domain, std::string_view id) {
  const auto found = std::find_if(domain.checks.begin(), domain.checks.end(),
                                  [&](const AuditCheck& check) { return check.rule->id == id; });
  return found == domain.checks.end() ? nullptr : &*found;
}

bool asks_for_nothing(CheckStatus status) {
  return status == CheckStatus::pass || status == CheckStatus::info;
}

}  // namespace

std::string_view to_string(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::better:
      return "better";
    case ChangeKind::worse:
      return "worse";
    case ChangeKind::appeared:
      return "new";
    case ChangeKind::gone:
      return "gone";
  }
  return "new";
}

std::vector<CheckChange> audit_changes(const DomainAudit& before, const DomainAudit& now) {
  std::vector<CheckChange> changes;
  for (const AuditCheck& check : now.checks) {
    const AuditCheck* earlier = find_check(before, check.rule->id);
    if (earlier == nullptr) {
      changes.push_back({ChangeKind::appeared, check.rule->id, CheckStatus::pass, check.status, "",
                         check.evidence()});
      continue;
    }
    if (earlier->status == check.status) continue;
    // Nothing is to be done about either: no news.
    if (asks_for_nothing(earlier->status) && asks_for_nothing(check.status)) continue;
    const bool got_worse = worse(earlier->status, check.status) == check.status;
    changes.push_back({got_worse ? ChangeKind::worse : ChangeKind::better, check.rule->id,
                       earlier->status, check.status, earlier->evidence(), check.evidence()});
  }
  for (const AuditCheck& check : before.checks) {
    if (find_check(now, check.rule->id) != nullptr) continue;
    changes.push_back(
        {ChangeKind::gone, check.rule->id, check.status, CheckStatus::pass, check.evidence(), ""});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const CheckChange& a, const CheckChange& b) {
    return is_worse(a) && !is_worse(b);
  });
  return changes;
}

bool is_worse(const CheckChange& change) {
  switch (change.kind) {
    case ChangeKind::worse:
      return true;
    case ChangeKind::appeared:
      return change.now == CheckStatus::fail;
    case ChangeKind::better:
    case ChangeKind::gone:
      return false;
  }
  return true;
}

}  // namespace authmilter
