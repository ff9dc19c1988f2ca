#pragma once

#include <span>

#include <authmilter/report_row.h>
#include <authmilter/report_store.h>

#include "sql/sql.h"

namespace authmilter {

/// Whether a clock that says `today` is one to throw things away by. `days` are those that the
/// store has something of, ascending: it leaps when there is a month of nothing before it, or
/// before the few days of mail that came with it. A host that was off for so long goes on a week
/// later; one whose clock is wrong has a week to see it.
bool clock_leaps(std::span<const ReportDay> days, ReportDay today);

/// Removes what is older than `kept` days before `today`, in many small transactions; nothing when
/// the clock leaps.
SqlResult<Pruned> prune_store(SqlDatabase& database, ReportDay today, ReportDay kept);

}  // namespace authmilter
