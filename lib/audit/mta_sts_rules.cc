#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> mta_sts_rules() { return {}; }

}  // namespace authmilter
