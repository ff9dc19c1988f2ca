#include "metrics/status.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include "metrics/dns_watch.h"

namespace authmilter {
namespace {

using Counts = DaemonStatus::Counts;

constexpr std::int64_t kDay = 86'400;

static_assert(Metrics::Histogram::kBounds.back() == std::chrono::duration<double>(kLongestLatency));

template <class Enum, std::size_t Size>
Counts by_enum(const std::array<Metrics::Count, Size>& counts) {
  Counts all;
  for (std::size_t i = 0; i < Size; ++i) {
    all.emplace_back(to_string(static_cast<Enum>(i)), counts[i]);
  }
  return all;
}

template <std::size_t Size>
Counts by_reason(std::span<const SigningReason> reasons,
                 const std::array<Metrics::Count, Size>& counts) {
  Counts all;
  for (const SigningReason reason : reasons) {
    all.emplace_back(to_string(reason), counts[static_cast<std::size_t>(reason)]);
  }
  return all;
}

template <std::size_t Size>
Counts by_word(const std::array<std::string_view, Size>& words,
               const std::array<Metrics::Count, Size>& counts) {
  Counts all;
  for (std::size_t i = 0; i < Size; ++i) all.emplace_back(words[i], counts[i]);
  return all;
}

Counts by_fault(const std::array<Metrics::Count, 7>& counts) {
  Counts all;
  for (const DnsFault fault : kUpstreamFaults) {
    all.emplace_back(to_string(fault), counts[static_cast<std::size_t>(fault)]);
  }
  return all;
}

DaemonStatus::Process process_status(const std::string& socket, const Metrics::Process& process) {
  return {.socket = socket,
          .mode = process.monitor_mode != 0 ? VerifyMode::monitor : VerifyMode::enforce,
          .last_reload_good = process.last_reload_good != 0,
          .configured = static_cast<std::int64_t>(process.last_good_time),
          .reloads = {.good = process.good_reloads, .bad = process.bad_reloads},
          .validating = process.dns_validating != 0,
          .open_descriptors = process.open_descriptors,
          .descriptor_limit = process.descriptor_limit};
}

DaemonStatus::Dns dns_status(const Metrics& m) {
  DaemonStatus::Dns dns{.questions = m.dns_questions,
                        .queries = m.dns_queries.total(),
                        .median = m.dns_queries.quantile(0.5),
                        .percentile95 = m.dns_queries.quantile(0.95),
                        .failures = by_fault(m.dns_failures),
                        .recent_queries = m.dns_recent_queries,
                        .recent_failures = by_fault(m.dns_recent_failures),
                        .trouble = {}};
  for (const auto& [kind, in_trouble] : by_fault(m.dns_trouble)) {
    if (in_trouble != 0) dns.trouble = kind;
  }
  return dns;
}

}  // namespace

DaemonStatus status_of(const Metrics& m, const DaemonFacts& facts, std::int64_t now) {
  DaemonStatus status;
  status.version = facts.version;
  status.started = facts.started;
  for (std::size_t i = 0; i < facts.sockets.size(); ++i) {
    status.processes.push_back(process_status(facts.sockets[i], m.process(i)));
  }
  status.connections = {
      .total = m.connections, .open = m.open_connections, .messages_in_hand = m.messages_in_hand()};
  status.messages = by_enum<Disposition>(m.messages);
  status.policy = by_enum<Disposition>(m.decisions);
  status.rules = by_enum<Rule>(m.rules);
  status.aborted_messages = m.aborted_messages;
  status.tls_refusals = m.tls_refusals;
  status.internal_errors = m.internal_errors;
  status.spf = by_enum<SpfResult>(m.spf);
  status.dkim = by_enum<DkimResult>(m.dkim);
  status.dmarc = by_enum<DmarcResult>(m.dmarc);
  status.dns = dns_status(m);
  status.signing = {.messages = m.signed_messages,
                    .signatures = by_enum<KeyType>(m.signatures),
                    .unsigned_messages = by_reason(kUnsignedReasons, m.unsigned_messages),
                    .failures = by_reason(kDelayReasons, m.signing_failures)};
  for (const KeyTime& key : m.keys.load()) {
    // A file may be of any time, which is no reason not to show the others.
    const std::int64_t written = std::clamp<std::int64_t>(key.written, 0, kLatestTime);
    status.keys.push_back({.domain = key.domain,
                           .selector = key.selector,
                           .written = written,
                           .age_days = (now - written) / kDay});
  }
  status.limits = by_word(kLimits, m.limits);
  status.warnings = warnings_of(status, now);
  return status;
}

}  // namespace authmilter
