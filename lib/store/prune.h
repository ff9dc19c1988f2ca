#pragma once

#include <authmilter/report_row.h>

#include "sql/sql.h"

namespace authmilter {

/// Removes what is of days before `first_kept`, in many small transactions.
SqlStatus prune_store(SqlDatabase& database, ReportDay first_kept);

}  // namespace authmilter
