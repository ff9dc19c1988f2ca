#include "status/daemon_status.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

// The share of descriptors in use from which it is time to raise the limit.
constexpr double kDescriptorShare = 0.8;

/// The samples of one daemon by name.
class Samples {
 public:
  explicit Samples(const std::vector<Sample>& samples) : samples_(samples) {}

  template <class Use>
  void each(std::string_view name, Use use) const {
    for (const Sample& sample : samples_) {
      if (sample.name == name) use(sample);
    }
  }

  double number(std::string_view name) const {
    double value = 0;
    each(name, [&](const Sample& sample) { value = sample.value; });
    return value;
  }

  Counts counts(std::string_view name, std::string_view label) const {
    Counts found;
    each(name, [&](const Sample& sample) {
      found.emplace_back(std::string(sample.label(label)), sample.value);
    });
    return found;
  }

 private:
  const std::vector<Sample>& samples_;
};

/// Times come as floating point numbers; what no time can be is 0.
std::int64_t seconds(double value) {
  constexpr double kLatest = 1e12;
  return value > 0 && value < kLatest ? static_cast<std::int64_t>(value) : 0;
}

std::vector<ProcessStatus> read_processes(const Samples& samples) {
  std::vector<ProcessStatus> processes;
  samples.each("authmilter_monitor_mode", [&](const Sample& sample) {
    ProcessStatus process;
    process.socket = sample.label("socket");
    process.monitor = sample.value != 0;
    processes.push_back(std::move(process));
  });
  const auto fill = [&](std::string_view name, auto set) {
    samples.each(name, [&](const Sample& sample) {
      for (ProcessStatus& process : processes) {
        if (process.socket == sample.label("socket")) set(process, sample);
      }
    });
  };
  fill("authmilter_config_last_reload_successful",
       [](auto& process, const Sample& s) { process.last_reload_good = s.value != 0; });
  fill("authmilter_config_last_reload_success_timestamp_seconds",
       [](auto& process, const Sample& s) { process.configured = seconds(s.value); });
  fill("authmilter_reloads_total", [](auto& process, const Sample& s) {
    (s.label("result") == "good" ? process.good_reloads : process.bad_reloads) = s.value;
  });
  fill("authmilter_dns_validating",
       [](auto& process, const Sample& s) { process.validating = s.value != 0; });
  fill("process_open_fds",
       [](auto& process, const Sample& s) { process.open_descriptors = s.value; });
  fill("process_max_fds",
       [](auto& process, const Sample& s) { process.descriptor_limit = s.value; });
  return processes;
}

double bound_of(std::string_view text) {
  const auto sample = parse_exposition(fmt::format("le {}\n", text));
  return sample && sample->size() == 1 ? sample->front().value
                                       : std::numeric_limits<double>::quiet_NaN();
}

void read_dns(const Samples& samples, DaemonStatus& status) {
  status.dns_failures = samples.counts("authmilter_dns_failures_total", "kind");
  status.dns_recent_queries = samples.number("authmilter_dns_recent_queries");
  status.dns_recent_failures = samples.counts("authmilter_dns_recent_failures", "kind");
  for (const auto& [kind, in_trouble] : samples.counts("authmilter_dns_trouble", "kind")) {
    if (in_trouble != 0) status.dns_trouble = kind;
  }
  status.dns_questions = samples.number("authmilter_dns_questions_total");
  status.dns_queries = samples.number("authmilter_dns_query_duration_seconds_count");
  std::vector<std::pair<double, double>> buckets;
  samples.each("authmilter_dns_query_duration_seconds_bucket", [&](const Sample& sample) {
    buckets.emplace_back(bound_of(sample.label("le")), sample.value);
  });
  status.dns_median = estimate_quantile(0.5, buckets);
  status.dns_percentile95 = estimate_quantile(0.95, std::move(buckets));
}

}  // namespace

std::optional<Latency> estimate_quantile(double quantile,
                                         std::vector<std::pair<double, double>> buckets) {
  // A bound that is no number cannot be sorted, and nothing takes less than no time.
  std::erase_if(buckets, [](const auto& bucket) { return !(bucket.first >= 0); });
  std::sort(buckets.begin(), buckets.end());
  if (buckets.empty() || !(buckets.back().second > 0)) return std::nullopt;
  const double rank = quantile * buckets.back().second;
  if (!std::isfinite(rank)) return std::nullopt;
  double lower = 0;
  double below = 0;
  for (const auto& [bound, count] : buckets) {
    if (count >= rank) {
      if (std::isinf(bound)) return Latency{lower, true};
      const double inside = count - below;
      return Latency{inside > 0 ? lower + (bound - lower) * (rank - below) / inside : bound};
    }
    lower = bound;
    below = count;
  }
  return std::nullopt;
}

std::optional<DaemonStatus> read_status(const std::vector<Sample>& all) {
  const Samples samples(all);
  DaemonStatus status;
  samples.each("authmilter_build_info",
               [&](const Sample& sample) { status.version = sample.label("version"); });
  if (status.version.empty()) return std::nullopt;
  status.started = seconds(samples.number("process_start_time_seconds"));
  status.processes = read_processes(samples);
  status.messages = samples.counts("authmilter_messages_total", "action");
  status.policy = samples.counts("authmilter_policy_decisions_total", "action");
  status.rules = samples.counts("authmilter_messages_by_rule_total", "rule");
  status.spf = samples.counts("authmilter_spf_results_total", "result");
  status.dkim = samples.counts("authmilter_dkim_results_total", "result");
  status.dmarc = samples.counts("authmilter_dmarc_results_total", "result");
  read_dns(samples, status);
  status.signed_messages = samples.number("authmilter_signed_messages_total");
  status.signatures = samples.counts("authmilter_signatures_total", "algorithm");
  status.unsigned_messages = samples.counts("authmilter_unsigned_messages_total", "reason");
  status.signing_failures = samples.counts("authmilter_signing_failures_total", "reason");
  samples.each("authmilter_signing_key_timestamp_seconds", [&](const Sample& sample) {
    status.keys.push_back({std::string(sample.label("domain")),
                           std::string(sample.label("selector")), seconds(sample.value)});
  });
  status.limits = samples.counts("authmilter_limits_hit_total", "limit");
  status.internal_errors = samples.number("authmilter_internal_errors_total");
  status.aborted_messages = samples.number("authmilter_aborted_messages_total");
  status.tls_refusals = samples.number("authmilter_tls_refusals_total");
  status.connections = samples.number("authmilter_connections_total");
  status.open_connections = samples.number("authmilter_open_connections");
  status.messages_in_hand = samples.number("authmilter_messages_in_hand");
  return status;
}

std::vector<std::string> warnings_of(const DaemonStatus& status, std::int64_t now) {
  std::vector<std::string> warnings;
  for (const ProcessStatus& process : status.processes) {
    if (!process.last_reload_good) {
      warnings.push_back(fmt::format(
          "{}: the last reload was refused, the old configuration is in force", process.socket));
    }
    if (process.open_descriptors > kDescriptorShare * process.descriptor_limit) {
      warnings.push_back(fmt::format("{}: {:.0f} of {:.0f} file descriptors are in use",
                                     process.socket, process.open_descriptors,
                                     process.descriptor_limit));
    }
  }
  if (!status.dns_trouble.empty()) {
    double failed = 0;
    for (const auto& [kind, count] : status.dns_recent_failures) failed += count;
    warnings.push_back(
        fmt::format("{:.0f} of {:.0f} DNS queries of the last ten minutes failed, most by {}: "
                    "authmilter check-dns says what may be wrong",
                    failed, status.dns_recent_queries, status.dns_trouble));
  }
  for (const KeyStatus& key : status.keys) {
    if (now - key.written > kOldKeySeconds) {
      warnings.push_back(
          fmt::format("the key {}._domainkey.{} is older than a year", key.selector, key.domain));
    }
  }
  double failures = 0;
  for (const auto& [reason, count] : status.signing_failures) failures += count;
  if (failures > 0)
    warnings.push_back(fmt::format("{:.0f} messages could not be signed", failures));
  if (status.internal_errors > 0) {
    warnings.push_back(fmt::format("{:.0f} internal errors, see the log", status.internal_errors));
  }
  return warnings;
}

}  // namespace authmilter::tools
