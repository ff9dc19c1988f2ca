#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> dkim_rules() { return {}; }

}  // namespace authmilter
