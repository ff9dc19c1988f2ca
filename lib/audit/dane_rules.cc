#include <authmilter/audit.h>

namespace authmilter {

std::span<const AuditRule> dane_rules() { return {}; }

}  // namespace authmilter
