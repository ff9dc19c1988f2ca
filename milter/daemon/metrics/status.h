#pragma once

#include <cstdint>

#include <authmilter/daemon_status.h>

#include "metrics/metrics_server.h"

namespace authmilter {

/// Everything that /status says of the daemon. `now` in seconds since 1970. Pure.
DaemonStatus status_of(const Metrics& metrics, const DaemonFacts& facts, std::int64_t now);

}  // namespace authmilter
