#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> mx_rules() { return {}; }

}  // namespace authmilter
