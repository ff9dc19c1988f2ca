#pragma once

#include <cstddef>
#include <string>

#include <authmilter/result.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "protocol/runtime_holder.h"
#include "reports/report_writer.h"

namespace authmilter {

/// What the callbacks work with; all of it outlives libmilter's threads.
struct MilterContext {
  RuntimeHolder& runtimes;
  Logger& logger;
  Metrics& metrics;
  ReportWriter& reports;
  std::size_t process;  // the number of this one in the metrics
};

/// Registers the callbacks and sets libmilter up for one socket ("unix:...", "inet:..."), which is
/// not opened yet. Once per process: libmilter keeps its state in globals, and has no place for a
/// pointer of ours.
Status register_milter(const MilterContext& context, const SocketAddress& socket);

/// Opens the socket.
Status open_milter_socket(const SocketAddress& socket);

/// Serves. Returns only when libmilter gives up: nobody tells it to stop.
void run_milter();

}  // namespace authmilter
