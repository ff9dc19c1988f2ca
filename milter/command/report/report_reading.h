#pragma once

#include <optional>

#include "report/names_option.h"
#include "report/store_options.h"

namespace authmilter::tools {

/// What a subcommand needs that looks at reports: the configuration, a store that is open, the DNS
/// for names. Or how it ends without them.
class ReportReading {
 public:
  ReportReading(const StoreOptions& store, const NamesOption& names, const CommonOptions& common);
  ReportReading(const ReportReading&) = delete;
  ReportReading& operator=(const ReportReading&) = delete;
  explicit operator bool() const { return names_ && !names_->failed(); }
  /// Only when something is missing.
  ExitStatus report_failure() const;

  ReportStore& store() const { return **store_; }
  const NamesResolver& names() const { return *names_; }

 private:
  Result<Config> config_;
  std::optional<OpenStore> store_;
  std::optional<NamesResolver> names_;
};

}  // namespace authmilter::tools
