#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> spf_rules() { return {}; }

}  // namespace authmilter
