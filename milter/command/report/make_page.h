#pragma once

#include <cstdint>
#include <string>

#include <authmilter/report_store.h>
#include <authmilter/resolver.h>

#include "report/store_options.h"

namespace authmilter::tools {

/// The page of a store as it is now. `resolver` may be null.
StoreResult<std::string> make_page(ReportStore& store, const Period& period,
                                   const std::string& domain, const std::string& host,
                                   std::int64_t now, Resolver* resolver);

}  // namespace authmilter::tools
