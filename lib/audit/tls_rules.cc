#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> tls_rules() { return {}; }

}  // namespace authmilter
