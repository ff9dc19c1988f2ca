#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "log/log.h"
#include "metrics/metrics.h"
#include "protocol/runtime_holder.h"
#include "reports/report_writer.h"

namespace authmilter::fuzz {

/// The daemon, libmilter included, in a thread of this process. There can be only one, and it must
/// never be destroyed: libmilter's threads end with the process. Logs are formatted and thrown
/// away.
class InnerDaemon {
 public:
  explicit InnerDaemon(std::shared_ptr<const Runtime> runtime);
  InnerDaemon(const InnerDaemon&) = delete;
  InnerDaemon& operator=(const InnerDaemon&) = delete;

  /// Connects, sends and ends its side; all that comes until the daemon closes the connection. To
  /// hang breaks a promise.
  std::string exchange(std::string_view octets) const;
  const Metrics& metrics() const { return metrics_; }

 private:
  RuntimeHolder runtimes_;
  Logger logger_;
  Metrics metrics_;
  ReportWriter reports_;  // without a store
  std::string socket_;
};

}  // namespace authmilter::fuzz
