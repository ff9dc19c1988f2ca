#pragma once

#include <authmilter/config.h>

#include "process/daemon.h"

namespace authmilter {

/// Runs a daemon for each socket in a process of its own, and serves their metrics together. Passes
/// reload and stop on to them. `metrics` must be shared with children. When one dies the others are
/// stopped: the service manager starts all of them again.
ExitCode supervise(const DaemonOptions& options, const Config& config, Metrics& metrics);

}  // namespace authmilter
