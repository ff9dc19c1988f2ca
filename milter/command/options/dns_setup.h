#pragma once

#include <optional>
#include <string>

#include <authmilter/config.h>
#include <authmilter/resolver_set.h>

#include "options/common_options.h"
#include "output/exit_status.h"

namespace authmilter::tools {

/// The resolver of one run of the command, or how the run ends without one.
class CommandResolver {
 public:
  /// `options` go before `config`.
  CommandResolver(const DnsOptions& options, const DnsConfig& config);
  /// Passes on what the resolver has to say about its upstream.
  ~CommandResolver();
  CommandResolver(const CommandResolver&) = delete;
  CommandResolver& operator=(const CommandResolver&) = delete;

  explicit operator bool() const { return set_.has_value(); }
  Resolver& resolver() const { return set_->resolver(); }
  /// Only when there is no resolver.
  ExitStatus report_failure() const { return fail(status_, message_); }

 private:
  std::optional<ResolverSet> set_;
  ExitStatus status_ = ExitStatus::done;
  std::string message_;
};

}  // namespace authmilter::tools
