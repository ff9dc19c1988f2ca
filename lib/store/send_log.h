#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <authmilter/report_store.h>

#include "sql/sql.h"

namespace authmilter {

// What is sent to whom, which destinations sent it back, and who may do what only one may.

SqlResult<std::vector<SendEntry>> plan_sends(SqlDatabase& database,
                                             std::span<const SendEntry> entries);
SqlResult<std::vector<SendEntry>> find_sends(SqlDatabase& database, ReportDay first,
                                             ReportDay last);
SqlResult<bool> advance_send(SqlDatabase& database, const SendEntry& entry, SendState from,
                             SendState to, std::int64_t now, std::string_view detail);
SqlStatus add_bounce(SqlDatabase& database, std::string_view destination, std::int64_t now,
                     std::string_view detail);
SqlStatus remove_bounces(SqlDatabase& database, std::string_view destination);
SqlResult<std::vector<Bounce>> find_bounces(SqlDatabase& database);
SqlResult<bool> lease(SqlDatabase& database, std::string_view name, std::string_view holder,
                      std::int64_t now, std::chrono::seconds time);
SqlStatus end_lease(SqlDatabase& database, std::string_view name, std::string_view holder);

}  // namespace authmilter
