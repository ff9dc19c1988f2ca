#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <authmilter/report_row.h>

#include "sql/sql.h"
#include "store/packed_day.h"

namespace authmilter {

// Rows of days that are over lie packed in `own_pack`, the others in `own_row`. One that came late
// may be in both.

/// Packs what is of days before `day`, a day at a time. May be done again.
SqlStatus pack_days_before(SqlDatabase& database, ReportDay day);

/// What is added up: rows of one kind, in any case; and of one day or source, if they are not.
struct Grouping {
  bool day = false;
  bool source = false;
};
struct KindSum {
  ReportDay day = 0;
  std::string source;  // octets
  std::uint64_t messages = 0;
};
/// Of each kind, those of these days (both included).
using KindSums = std::unordered_map<std::int64_t, std::vector<KindSum>>;
SqlResult<KindSums> sum_up(SqlDatabase& database, ReportDay first, ReportDay last,
                           const Grouping& by);

}  // namespace authmilter
