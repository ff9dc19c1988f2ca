#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/result.h>
#include <authmilter/socket_address.h>

#include "metrics/metrics.h"

namespace authmilter {

/// What does not change while the daemon runs.
struct DaemonFacts {
  std::string version;
  std::int64_t started = 0;          // seconds since 1970
  std::vector<std::string> sockets;  // in the order of Metrics::processes
};

/// Serves /metrics for Prometheus and /status for `authmilter status` until it is destroyed,
/// nothing else and nothing of the file system. It has threads of its own.
class MetricsServer {
 public:
  /// `metrics` must outlive the server.
  static Result<std::unique_ptr<MetricsServer>> start(const HostPort& listen, DaemonFacts facts,
                                                      const Metrics& metrics);
  ~MetricsServer();

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
