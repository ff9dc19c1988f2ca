#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "metrics/metrics_server.h"

namespace authmilter {

/// Everything that /metrics says of the daemon. Each family is there from the start, and each label
/// that is known beforehand has its 0, so that a rate sees the first event.
std::vector<prometheus::MetricFamily> expose(const Metrics& metrics, const DaemonFacts& facts);

}  // namespace authmilter
