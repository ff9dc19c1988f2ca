#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> dmarc_rules() { return {}; }

}  // namespace authmilter
