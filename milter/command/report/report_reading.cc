#include "report/report_reading.h"

namespace authmilter::tools {

ReportReading::ReportReading(const StoreOptions& store, const NamesOption& names,
                             const CommonOptions& common)
    : config_(read_configuration(common)) {
  if (!config_) return;
  store_.emplace(store, *config_);
  if (*store_) names_.emplace(names, *config_);
}

ExitStatus ReportReading::report_failure() const {
  if (!config_) return fail(ExitStatus::configuration, config_.error());
  return names_ ? names_->report_failure() : store_->report_failure();
}

}  // namespace authmilter::tools
