#pragma once

#include <authmilter/report_store.h>

#include "sql/sql.h"

namespace authmilter {

/// Of a store that this program writes.
constexpr unsigned kSchemaVersion = 1;

/// 0: there is none yet.
SqlResult<unsigned> schema_version(SqlDatabase& database);

/// Makes what is missing, or is of an older version, all or nothing. Several may try at a time.
SqlStatus migrate(SqlDatabase& database, StoreEngine engine);

}  // namespace authmilter
