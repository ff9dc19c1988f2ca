#include <vector>

#include <authmilter/audit.h>

namespace authmilter {
namespace {

std::vector<const AuditRule*> all_rules() {
  std::vector<const AuditRule*> rules;
  for (const auto family :
       {spf_rules, dkim_rules, dmarc_rules, mx_rules, tls_rules, dnssec_rules, dane_rules,
        mta_sts_rules, mta_sts_policy_rules, client_rules, host_rules}) {
    for (const AuditRule& rule : family()) rules.push_back(&rule);
  }
  return rules;
}

}  // namespace

std::span<const AuditRule* const> audit_rules() {
  static const std::vector<const AuditRule*> rules = all_rules();
  return rules;
}

const AuditRule* find_audit_rule(std::string_view id) {
  for (const AuditRule* rule : audit_rules()) {
    if (rule->id == id) return rule;
  }
  return nullptr;
}

}  // namespace authmilter
