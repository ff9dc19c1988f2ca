#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <authmilter/config.h>
#include <authmilter/report_store.h>

#include "options/common_options.h"
#include "output/exit_status.h"

namespace authmilter::tools {

/// The options of those who look into a store.
struct StoreOptions {
  std::string store;  // empty: that of the configuration
  std::string since = "30d";
  std::string domain;  // empty: all
  TimeOption time;
};
void add_store_options(const Command& command, StoreOptions& options);
/// --domain, for those that do not name it otherwise.
void add_domain_option(const Command& command, StoreOptions& options);

/// UTC days, both included.
struct Period {
  ReportDay first = 0, last = 0;
};
/// The last day is that of `time_or_now(options.time)`.
Period period_of(const StoreOptions& options);

/// A store that is open for reading, or how the run ends without it.
class OpenStore {
 public:
  OpenStore(const StoreOptions& options, const Config& config);
  explicit operator bool() const { return store_ != nullptr; }
  ReportStore& operator*() const { return *store_; }
  /// Only when there is no store.
  ExitStatus report_failure() const { return fail(status_, message_); }
  /// `configuration`: there is none to wait for.
  ExitStatus status() const { return status_; }
  const std::string& message() const { return message_; }

 private:
  std::unique_ptr<ReportStore> store_;
  ExitStatus status_ = ExitStatus::done;
  std::string message_;
};

/// For what a store could not do after it was opened.
ExitStatus fail(const StoreError& error);

}  // namespace authmilter::tools
