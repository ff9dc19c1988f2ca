#pragma once

#include <string>

#include <authmilter/report_store.h>

#include "sql/sql.h"

namespace authmilter {

/// Of a store that this program writes.
constexpr unsigned kSchemaVersion = 2;

/// 0: there is none yet.
SqlResult<unsigned> schema_version(SqlDatabase& database);

/// Makes what is missing, or is of an older version, all or nothing. Several may try at a time.
/// `new_secret` becomes the store's, if it has none yet.
SqlStatus migrate(SqlDatabase& database, StoreEngine engine, const std::string& new_secret);

SqlResult<std::string> store_secret(SqlDatabase& database);

}  // namespace authmilter
