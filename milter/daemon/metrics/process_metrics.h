#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <authmilter/dns_health.h>
#include <authmilter/runtime.h>
#include <authmilter/token_health.h>

#include "metrics/metrics.h"

namespace authmilter {

/// Keeps the part of the metrics up that belongs to one process: its configuration, its keys and
/// its file descriptors. For one thread. Borrows the metrics.
class ProcessMetrics {
 public:
  /// `number`: of this process's socket in the configuration.
  ProcessMetrics(Metrics& metrics, std::size_t number)
      : metrics_(metrics), process_(metrics.process(number)) {}

  /// `runtime` is in force from now on. The files of its keys are looked at.
  void configured(const Runtime& runtime);
  void reloaded(const Runtime& runtime);
  void reload_failed();
  /// Counts descriptors, every few seconds however often it is called.
  void tick();
  void validating(ValidationStatus status) {
    process_.dns_validating = status == ValidationStatus::on ? 1 : 0;
  }
  void tokens(const TokenHealth& health);
  std::uint64_t messages_in_hand() const { return process_.messages_in_hand; }

 private:
  Metrics& metrics_;
  Metrics::Process& process_;
  std::chrono::steady_clock::time_point counted_{};
};

}  // namespace authmilter
