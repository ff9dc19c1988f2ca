#include "metrics/exposition.h"

#include <authmilter/verify.h>

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "metrics/dns_watch.h"

namespace authmilter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr double kMicroseconds = 1e6;  // in a second: Prometheus wants base units

double load(const Metrics::Count& count) {
  return static_cast<double>(count.load(std::memory_order_relaxed));
}

ClientMetric sample(MetricType type, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
  return metric;
}

MetricFamily single(MetricType type, std::string name, std::string help, double value) {
  return {std::move(name), std::move(help), type, {sample(type, value)}};
}

MetricFamily counter(std::string name, std::string help, double value) {
  return single(MetricType::Counter, std::move(name), std::move(help), value);
}

MetricFamily gauge(std::string name, std::string help, double value) {
  return single(MetricType::Gauge, std::move(name), std::move(help), value);
}

/// A counter for each enumerator.
template <class Enum, std::size_t Size>
MetricFamily by_enum(std::string name, std::string help, const std::string& label,
                     const std::array<Metrics::Count, Size>& counts) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Counter, {}};
  for (std::size_t i = 0; i < Size; ++i) {
    family.metric.push_back(sample(MetricType::Counter, load(counts[i]),
                                   {{label, std::string(to_string(static_cast<Enum>(i)))}}));
  }
  return family;
}

/// The label that a later version may need; it stays at 0.
MetricFamily with_other(MetricFamily family, const std::string& label) {
  family.metric.push_back(sample(MetricType::Counter, 0, {{label, "other"}}));
  return family;
}

/// A counter for each of `reasons`.
template <std::size_t Size>
MetricFamily by_reason(std::string name, std::string help, std::span<const SigningReason> reasons,
                       const std::array<Metrics::Count, Size>& counts) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Counter, {}};
  for (const SigningReason reason : reasons) {
    family.metric.push_back(sample(MetricType::Counter,
                                   load(counts[static_cast<std::size_t>(reason)]),
                                   {{"reason", std::string(to_string(reason))}}));
  }
  return family;
}

/// A counter for each word.
template <std::size_t Size>
MetricFamily by_word(std::string name, std::string help, const std::string& label,
                     const std::array<std::string_view, Size>& words,
                     const std::array<Metrics::Count, Size>& counts) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Counter, {}};
  for (std::size_t i = 0; i < Size; ++i) {
    family.metric.push_back(
        sample(MetricType::Counter, load(counts[i]), {{label, std::string(words[i])}}));
  }
  return family;
}

MetricFamily histogram(std::string name, std::string help, const Metrics::Histogram& counts) {
  ClientMetric metric;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i) {
    cumulative += counts.buckets[i].load(std::memory_order_relaxed);
    const double bound = i < counts.kBounds.size()
                             ? static_cast<double>(counts.kBounds[i].count()) / kMicroseconds
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = load(counts.microseconds) / kMicroseconds;
  return {std::move(name), std::move(help), MetricType::Histogram, {std::move(metric)}};
}

/// Of those of DnsFault that a name server can be blamed for.
MetricFamily by_fault(MetricType type, std::string name, std::string help,
                      const std::array<Metrics::Count, 7>& counts) {
  MetricFamily family{std::move(name), std::move(help), type, {}};
  for (const DnsFault fault : kUpstreamFaults) {
    family.metric.push_back(sample(type, load(counts[static_cast<std::size_t>(fault)]),
                                   {{"kind", std::string(to_string(fault))}}));
  }
  return family;
}

/// What each process has for itself, told apart by its socket.
class ProcessFamilies {
 public:
  ProcessFamilies(const Metrics& metrics, const std::vector<std::string>& sockets)
      : metrics_(metrics), sockets_(sockets) {}

  MetricFamily gauges(std::string name, std::string help, Metrics::Count Metrics::Process::*count,
                      MetricType type = MetricType::Gauge) const {
    MetricFamily family{std::move(name), std::move(help), type, {}};
    add(family, count);
    return family;
  }

  MetricFamily reloads() const {
    MetricFamily family{"authmilter_reloads_total",
                        "Configurations read again, and taken over or refused",
                        MetricType::Counter,
                        {}};
    add(family, &Metrics::Process::good_reloads, {{"result", "good"}});
    add(family, &Metrics::Process::bad_reloads, {{"result", "bad"}});
    return family;
  }

 private:
  void add(MetricFamily& family, Metrics::Count Metrics::Process::*count,
           const Labels& more = {}) const {
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      Labels labels = more;
      labels.push_back({"socket", sockets_[i]});
      family.metric.push_back(
          sample(family.type, load(metrics_.process(i).*count), std::move(labels)));
    }
  }

  const Metrics& metrics_;
  const std::vector<std::string>& sockets_;
};

MetricFamily key_times(const KeyTimes& keys) {
  MetricFamily family{"authmilter_signing_key_timestamp_seconds",
                      "When the file of a signing key was last written",
                      MetricType::Gauge,
                      {}};
  for (const KeyTime& key : keys.load()) {
    family.metric.push_back(sample(MetricType::Gauge, static_cast<double>(key.written),
                                   {{"domain", key.domain}, {"selector", key.selector}}));
  }
  return family;
}

MetricFamily rotation_keys(const Metrics& m) {
  MetricFamily family{"authmilter_rotation_keys",
                      "Signing keys that have a state, by how far they are",
                      MetricType::Gauge,
                      {}};
  for (std::size_t i = 0; i < m.rotation_keys.size(); ++i) {
    family.metric.push_back(sample(MetricType::Gauge, load(m.rotation_keys[i]),
                                   {{"state", std::string(to_string(static_cast<KeyState>(i)))}}));
  }
  return family;
}

MetricFamily build_info(const std::string& version) {
  return {"authmilter_build_info",
          "Always 1; the label says which version runs",
          MetricType::Gauge,
          {sample(MetricType::Gauge, 1, {{"version", version}})}};
}

}  // namespace

std::vector<MetricFamily> expose(const Metrics& m, const DaemonFacts& facts) {
  using Process = Metrics::Process;
  const ProcessFamilies processes(m, facts.sockets);
  return {
      build_info(facts.version),
      gauge("process_start_time_seconds", "When the daemon started",
            static_cast<double>(facts.started)),
      processes.gauges("process_open_fds", "Open file descriptors", &Process::open_descriptors),
      processes.gauges("process_max_fds", "Limit of open file descriptors",
                       &Process::descriptor_limit),
      processes.gauges("authmilter_monitor_mode", "1 when verify.mode is monitor, 0 for enforce",
                       &Process::monitor_mode),
      processes.reloads(),
      processes.gauges("authmilter_signing_faults",
                       "Files of signing.directory, and domains in them, that are not in force",
                       &Process::signing_faults),
      processes.gauges("authmilter_config_last_reload_successful",
                       "0 when the last reload was refused, and the old configuration is in force",
                       &Process::last_reload_good),
      processes.gauges("authmilter_config_last_reload_success_timestamp_seconds",
                       "When the configuration in force was read", &Process::last_good_time),

      by_enum<Disposition>("authmilter_messages_total", "Messages by what became of them", "action",
                           m.messages),
      with_other(by_enum<Rule>("authmilter_messages_by_rule_total",
                               "Messages by the rule that decided", "rule", m.rules),
                 "rule"),
      by_enum<Disposition>("authmilter_policy_decisions_total",
                           "Incoming messages by what the policy said, whether it was done or not",
                           "action", m.decisions),
      counter("authmilter_policy_overrides_total", "Decisions that a policy.override changed",
              load(m.overrides)),
      counter("authmilter_aborted_messages_total", "Messages that the MTA gave up before the end",
              load(m.aborted_messages)),
      counter("authmilter_tls_refusals_total",
              "MAIL commands refused because TLS was missing or too old", load(m.tls_refusals)),
      counter("authmilter_internal_errors_total", "Errors of the daemon itself",
              load(m.internal_errors)),
      by_word("authmilter_limits_hit_total", "Messages that reached a limit", "limit", kLimits,
              m.limits),

      by_enum<SpfResult>("authmilter_spf_results_total", "SPF results of the MAIL FROM identity",
                         "result", m.spf),
      by_enum<DkimResult>("authmilter_dkim_results_total",
                          "DKIM results of each signature; none is a message without one", "result",
                          m.dkim),
      by_enum<DmarcResult>("authmilter_dmarc_results_total", "DMARC results", "result", m.dmarc),
      by_enum<ArcResult>("authmilter_arc_results_total",
                         "Authenticated Received Chains; none is a message without one", "result",
                         m.arc),
      by_enum<SealState>(
          "authmilter_arc_seals_total",
          "Incoming messages by what became of their seal; off is one that gets none", "result",
          m.seals),

      counter("authmilter_dns_questions_total", "Different questions of each message, added up",
              load(m.dns_questions)),
      histogram("authmilter_dns_query_duration_seconds",
                "Time to the answer of a name server, of queries that were sent", m.dns_queries),
      by_fault(MetricType::Counter, "authmilter_dns_failures_total",
               "Queries without a usable answer", m.dns_failures),
      by_enum<DnsShare>("authmilter_dns_overloads_total",
                        "Questions that were not asked, by whose share of the look-ups was used up",
                        "share", m.dns_overloads),
      gauge("authmilter_dns_recent_queries", "Queries of the last ten minutes",
            load(m.dns_recent_queries)),
      by_fault(MetricType::Gauge, "authmilter_dns_recent_failures",
               "Of these, those without a usable answer", m.dns_recent_failures),
      by_fault(MetricType::Gauge, "authmilter_dns_trouble",
               "1 when most queries of the last minutes failed, for the kind that most have",
               m.dns_trouble),
      processes.gauges("authmilter_dns_validating", "1 when answers are validated with DNSSEC",
                       &Process::dns_validating),
      counter("authmilter_dns_wait_seconds_total", "Time that messages waited for the DNS",
              load(m.dns_wait_microseconds) / kMicroseconds),

      counter("authmilter_signed_messages_total", "Messages that got a signature",
              load(m.signed_messages)),
      by_enum<KeyType>("authmilter_signatures_total", "Signatures made", "algorithm", m.signatures),
      by_enum<Fragility>("authmilter_fragile_messages_total",
                         "Signed messages that MTAs behind us may have to write anew", "kind",
                         m.fragile_messages),
      with_other(by_reason("authmilter_unsigned_messages_total", "Outgoing messages left unsigned",
                           kUnsignedReasons, m.unsigned_messages),
                 "reason"),
      by_reason("authmilter_signing_failures_total", "Messages delayed because signing failed",
                kDelayReasons, m.signing_failures),
      by_enum<TokenFault>("authmilter_token_failures_total",
                          "Signatures that a token has not made, by what was wrong", "reason",
                          m.token_failures),
      processes.gauges("authmilter_unavailable_keys", "Keys whose token is away",
                       &Process::unavailable_keys),
      key_times(m.keys),
      rotation_keys(m),
      gauge("authmilter_rotation_lost_records",
            "Keys in use whose records are missing from the DNS, or others",
            load(m.rotation_lost_records)),
      gauge("authmilter_rotation_unreadable_states", "State files of keys that cannot be read",
            load(m.rotation_unreadable_states)),
      gauge("authmilter_rotation_oldest_look_timestamp_seconds",
            "When changing keys were last looked at, or began to wait; the oldest, or 0",
            load(m.rotation_oldest_look)),

      by_word("authmilter_report_messages_total",
              "Received messages whose rows for reports were stored, spooled or dropped", "fate",
              kReportFates, m.report_messages),
      processes.gauges("authmilter_report_waiting_messages",
                       "Received messages whose rows wait in memory", &Process::report_waiting),
      processes.gauges("authmilter_report_spooled_messages",
                       "Received messages whose rows wait in the spool", &Process::report_spooled),
      processes.gauges("authmilter_report_store_failed",
                       "1 when the last try to store rows of reports failed",
                       &Process::report_store_failed),

      counter("authmilter_connections_total", "SMTP sessions that the MTA brought",
              load(m.connections)),
      gauge("authmilter_open_connections", "SMTP sessions that are open", load(m.open_connections)),
      gauge("authmilter_messages_in_hand", "Messages between MAIL and the verdict",
            static_cast<double>(m.messages_in_hand())),
      counter("authmilter_busy_seconds_total", "Time spent on messages, waits included",
              load(m.busy_microseconds) / kMicroseconds),
  };
}

}  // namespace authmilter
