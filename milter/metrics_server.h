#pragma once

#include <memory>
#include <string>

#include <authmilter/result.h>

#include "metrics.h"

namespace authmilter {

/// Serves /metrics for Prometheus until it is destroyed. It has threads of its own.
class MetricsServer {
 public:
  /// `listen` is "ADDRESS:PORT"; `metrics` must outlive the server.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& listen,
                                                      const Metrics& metrics);
  ~MetricsServer();

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
