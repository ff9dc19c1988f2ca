#pragma once

#include <optional>

#include "options/command_runtime.h"

namespace authmilter::tools {

/// The DNS that reports are made plainer with: names for addresses.
struct NamesOption {
  DnsOptions dns;
  bool without = false;
};
void add_names_option(const Command& command, NamesOption& options);

/// A runtime for its resolver; nothing with --no-names.
class NamesResolver {
 public:
  NamesResolver(const NamesOption& options, const Config& config);
  /// Null: nobody is asked.
  Resolver* get() const { return runtime_ && *runtime_ ? &(*runtime_)->resolver() : nullptr; }
  /// Only when somebody is asked.
  const Runtime& runtime() const { return **runtime_; }
  /// Whether the DNS was asked for and cannot be used.
  bool failed() const { return runtime_ && !*runtime_; }
  ExitStatus report_failure() const { return runtime_->report_failure(); }

 private:
  std::optional<CommandRuntime> runtime_;
};

}  // namespace authmilter::tools
