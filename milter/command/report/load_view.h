#pragma once

#include <string>

#include <authmilter/report_store.h>
#include <authmilter/report_view.h>
#include <authmilter/resolver.h>

#include "report/store_options.h"

namespace authmilter::tools {

/// The rows of a store, settled; `resolver` may be null, and is asked for no longer than
/// kNamesTime. An empty domain: all. TLS reports come with what was received.
StoreResult<ReportView> load_view(ReportStore& store, ViewQuery::Rows rows, const Period& period,
                                  const std::string& domain, Resolver* resolver);

/// What came in here, by day and policy domain alone. An empty domain: all.
StoreResult<ReportView> load_own_days(ReportStore& store, const Period& period,
                                      const std::string& domain);

}  // namespace authmilter::tools
