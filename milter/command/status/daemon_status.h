#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "status/exposition_text.h"

namespace authmilter::tools {

/// Counters by the word of their label, in the daemon's order.
using Counts = std::vector<std::pair<std::string, double>>;

/// One of the daemon's processes.
struct ProcessStatus {
  std::string socket;
  bool monitor = false;
  bool last_reload_good = true;
  std::int64_t configured = 0;  // when the configuration in force was read, seconds since 1970
  double good_reloads = 0;
  double bad_reloads = 0;
  double open_descriptors = 0;
  double descriptor_limit = 0;
  bool validating = false;  // DNS answers, with DNSSEC
};

struct KeyStatus {
  std::string domain;
  std::string selector;
  std::int64_t written = 0;
};

/// An estimate from a histogram.
struct Latency {
  double seconds = 0;
  bool or_more = false;  // it is beyond the largest bound
};

/// What the metrics of a daemon say, sorted for people.
struct DaemonStatus {
  std::string version;
  std::int64_t started = 0;
  std::vector<ProcessStatus> processes;
  Counts messages, policy, rules;
  Counts spf, dkim, dmarc;
  Counts dns_failures;
  double dns_recent_queries = 0;  // of the last ten minutes
  Counts dns_recent_failures;
  std::string dns_trouble;  // the kind of failure that most queries have now; empty: no trouble
  double dns_questions = 0;
  double dns_queries = 0;
  std::optional<Latency> dns_median, dns_percentile95;  // nothing: no query yet
  double signed_messages = 0;
  Counts signatures, unsigned_messages, signing_failures;
  std::vector<KeyStatus> keys;
  Counts limits;
  double internal_errors = 0;
  double aborted_messages = 0;
  double tls_refusals = 0;
  double connections = 0;
  double open_connections = 0;
  double messages_in_hand = 0;
};

/// Nothing when the samples are not those of authmilterd. Pure.
std::optional<DaemonStatus> read_status(const std::vector<Sample>& samples);

/// The value that the share `quantile` of a histogram's samples does not exceed, as Prometheus
/// estimates it: evenly spread within each bucket. `buckets`: upper bound and cumulative count.
std::optional<Latency> estimate_quantile(double quantile,
                                         std::vector<std::pair<double, double>> buckets);

/// What an operator should look at, one sentence each; empty when all is well. `now` in seconds
/// since 1970.
std::vector<std::string> warnings_of(const DaemonStatus& status, std::int64_t now);

/// Keys are to be replaced from time to time; M3AAWG's advice is twice a year or more often.
constexpr std::int64_t kOldKeySeconds = 365 * 86'400;

}  // namespace authmilter::tools
