#pragma once

#include <optional>
#include <string>

#include <authmilter/runtime.h>

#include "options/common_options.h"
#include "output/exit_status.h"

namespace authmilter::tools {

/// The part of the daemon's runtime that one run of the command needs, or how the run ends without
/// it. A run that judges reads no keys but that of `[arc] seal`, and goes on without it: the person
/// at the command may have no right to it.
class CommandRuntime {
 public:
  /// To judge. `options` go before the configuration's `[dns]`.
  CommandRuntime(Config config, const DnsOptions& options);
  /// To sign.
  explicit CommandRuntime(Config config);
  /// Passes on what the resolver has to say about its upstream.
  ~CommandRuntime();
  CommandRuntime(const CommandRuntime&) = delete;
  CommandRuntime& operator=(const CommandRuntime&) = delete;

  explicit operator bool() const { return runtime_.has_value(); }
  const Runtime& operator*() const { return *runtime_; }
  const Runtime* operator->() const { return &*runtime_; }
  /// Only when there is no runtime.
  ExitStatus report_failure() const { return fail(status_, message_); }

 private:
  std::optional<Runtime> runtime_;
  ExitStatus status_ = ExitStatus::done;
  std::string message_;
};

}  // namespace authmilter::tools
