#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <authmilter/config.h>

#include "metrics/metrics.h"
#include "metrics/metrics_server.h"
#include "process/notify.h"

namespace authmilter {

/// Exit statuses of sysexits.h that the daemon uses.
enum class ExitCode : int {
  ok = 0,
  usage = 64,        // EX_USAGE
  unavailable = 69,  // EX_UNAVAILABLE: a socket cannot be opened
  software = 70,     // EX_SOFTWARE: libmilter gave up, a worker died
  config = 78,       // EX_CONFIG
};

struct DaemonOptions {
  std::filesystem::path config;
  std::string host_name;
  std::string version;
};

/// Says on standard error why the daemon cannot start.
ExitCode cannot_start(ExitCode code, const Error& error);

/// One of the daemon's processes: the socket that it serves, and its place among those configured.
struct ServedSocket {
  SocketAddress address;
  std::size_t number = 0;
};

/// Serves the only socket of `config`, and the metrics, until told to stop. Returns only when it
/// cannot start. Signals must be blocked, and no thread be running. Errors at the start go to
/// standard error. A configuration may be large, so it is taken over, and not read twice.
ExitCode serve_alone(const DaemonOptions& options, Config config, Metrics& metrics);

/// The same for one of several sockets, in a process of its own; `notifier` hears how it is.
ExitCode serve(const DaemonOptions& options, const ServedSocket& socket, Config config,
               Notifier& notifier, Metrics& metrics);

/// Serves the metrics of all processes where `config` says so, which may be nowhere (null).
Result<std::unique_ptr<MetricsServer>> serve_metrics(const DaemonOptions& options,
                                                     const Config& config, const Metrics& metrics);

}  // namespace authmilter
