#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> dnssec_rules() { return {}; }

}  // namespace authmilter
