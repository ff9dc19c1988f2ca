#pragma once

#include "audit/audit_options.h"
#include "options/common_options.h"
#include "output/exit_status.h"

namespace authmilter::tools {

/// `audit --simulate`: which of the senders of a file of cases would pass. The status is negative
/// when one comes out otherwise than its case says.
ExitStatus run_simulation(const AuditOptions& options, const CommonOptions& common);

}  // namespace authmilter::tools
