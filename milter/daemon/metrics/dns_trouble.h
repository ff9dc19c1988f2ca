#pragma once

#include "log/log.h"
#include "metrics/dns_watch.h"
#include "metrics/metrics.h"

namespace authmilter {

/// Watches the counts of DNS queries in the metrics, and says in the log and in the metrics when
/// most of them fail. For one thread of one process. Borrows both.
class DnsTrouble {
 public:
  /// What is counted from now on is watched.
  DnsTrouble(Metrics& metrics, Logger& logger);

  /// To be called every second or so.
  void look(DnsWatch::Clock::time_point now);

 private:
  void show();

  Metrics& metrics_;
  Logger& logger_;
  DnsWatch watch_;
};

}  // namespace authmilter
