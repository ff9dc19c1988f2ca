#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> host_rules() { return {}; }

}  // namespace authmilter
