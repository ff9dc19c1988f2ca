#include "audit/host_rules.h"

#include <vector>

namespace authmilter {

std::span<const AuditRule> host_rules() {
  static const std::vector<AuditRule> rules = [] {
    std::vector<AuditRule> all;
    for (const auto family : {resolver_rules, postfix_rules, authmilter_rules}) {
      const auto some = family();
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return rules;
}

}  // namespace authmilter
