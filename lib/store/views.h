#pragma once

#include <functional>

#include <authmilter/report_store.h>

#include "sql/sql.h"

namespace authmilter {

// Rows, added up for whoever looks at them.

SqlStatus find_view(SqlDatabase& database, const ViewQuery& query,
                    const std::function<void(const ViewRow&)>& take);
SqlStatus find_tls_view(SqlDatabase& database, ReportDay first, ReportDay last,
                        const std::function<void(const TlsViewRow&)>& take);

}  // namespace authmilter
