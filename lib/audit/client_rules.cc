#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> client_rules() { return {}; }

}  // namespace authmilter
