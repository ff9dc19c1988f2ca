#include "metrics/message_counts.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace authmilter {
namespace {

constexpr std::string_view kHeaderLimitRule = "limit.header";
constexpr std::string_view kHeaderLimitReason = "header-limit-exceeded";

/// The stable part of a reason: what stands before free text.
std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

std::optional<Limit> limit_of(std::string_view reason) {
  constexpr struct {
    std::string_view reason;
    Limit limit;
  } rows[] = {{"too-many-signatures", Limit::signatures},
              {"too-many-signed-names", Limit::signed_names},
              {"too-many-body-lengths", Limit::body_lengths},
              {"too-many-lookups", Limit::spf_lookups},
              {"too-many-void-lookups", Limit::spf_void_lookups},
              {"too-many-mx", Limit::spf_mx},
              {"record-too-long", Limit::spf_record},
              {"term-too-long", Limit::spf_record},
              {"identifier-limit", Limit::dmarc_identifiers}};
  for (const auto& row : rows) {
    if (row.reason == first_word(reason)) return row.limit;
  }
  return std::nullopt;
}

std::set<Limit> limits_of_lookups(const Verdict& verdict, const DnsConfig& dns) {
  const auto any = [&](DnsFault fault) {
    return std::any_of(
        verdict.lookups.begin(), verdict.lookups.end(),
        [&](const RecordingResolver::Entry& entry) { return entry.answer->fault == fault; });
  };
  std::set<Limit> limits;
  const bool cut_short = any(DnsFault::limit);
  if (cut_short && verdict.dns_wait >= dns.message_timeout) limits.insert(Limit::dns_time);
  if (cut_short && verdict.dns_queries >= dns.message_queries) limits.insert(Limit::dns_queries);
  if (any(DnsFault::overload)) limits.insert(Limit::dns_pending);
  return limits;
}

void count_findings(Metrics& metrics, const Findings& findings) {
  for (const SpfOutcome& outcome : findings.spf) {
    if (outcome.identity == SpfIdentity::mailfrom) Metrics::count(metrics.spf, outcome.result);
  }
  for (const DkimOutcome& outcome : findings.dkim) Metrics::count(metrics.dkim, outcome.result);
  if (findings.dkim.empty()) Metrics::count(metrics.dkim, DkimResult::none);
  Metrics::count(metrics.dmarc, findings.dmarc.result);
}

void count_decision(Metrics& metrics, const Decision& decision) {
  const std::string_view rule = first_word(decision.rule);
  Metrics::count(metrics.decisions, decision.disposition);
  Metrics::count_word(metrics.rules, kRules, rule);
  if (rule != decision.rule) Metrics::add(metrics.overrides);  // "... (override 2)"
}

void count_verdict(Metrics& metrics, const Verdict& verdict) {
  count_findings(metrics, verdict.findings);
  count_decision(metrics, verdict.decision);
  Metrics::add(metrics.dns_questions, verdict.dns_queries);
  Metrics::add(metrics.dns_wait_microseconds, static_cast<std::uint64_t>(verdict.dns_wait.count()));
}

void count_signing(Metrics& metrics, const SigningOutcome& signing) {
  const std::string_view reason = first_word(signing.reason);
  Metrics::count_word(metrics.rules, kRules, "signing");
  if (signing.failed)
    return Metrics::count_word(metrics.signing_failures, kSigningFailures, reason);
  if (signing.keys.empty()) {
    Metrics::count_word(metrics.unsigned_messages, kUnsignedReasons, reason);
  } else {
    Metrics::add(metrics.signed_messages);
  }
  for (const SigningKey& key : signing.keys) Metrics::count(metrics.signatures, key.key->type());
  for (const Fragility kind : signing.fragile) Metrics::count(metrics.fragile_messages, kind);
}

}  // namespace

std::set<Limit> limits_reached(const MessageRecord& record, const DnsConfig& dns) {
  if (const auto* signing = record.signing()) {
    if (first_word(signing->reason) == kHeaderLimitReason) return {Limit::header};
    return {};
  }
  const auto* verdict = record.verdict();
  if (verdict == nullptr) return {};
  std::set<Limit> limits = limits_of_lookups(*verdict, dns);
  const auto add = [&](std::string_view reason) {
    if (const auto limit = limit_of(reason)) limits.insert(*limit);
  };
  for (const SpfOutcome& outcome : verdict->findings.spf) add(outcome.reason);
  for (const DkimOutcome& outcome : verdict->findings.dkim) add(outcome.reason);
  add(verdict->findings.dmarc.reason);
  if (verdict->decision.rule == kHeaderLimitRule) limits.insert(Limit::header);
  if (record.recipients_cut) limits.insert(Limit::recipients);
  return limits;
}

void count_message(Metrics& metrics, const MessageRecord& record, const DnsConfig& dns) {
  // Refused at MAIL, so there was no message.
  if (record.refusal() != nullptr) return Metrics::add(metrics.tls_refusals);
  const auto* verdict = record.verdict();
  const auto* signing = record.signing();
  if (verdict == nullptr && signing == nullptr) return count_internal_failure(metrics);
  if (verdict != nullptr) count_verdict(metrics, *verdict);
  if (signing != nullptr) count_signing(metrics, *signing);
  for (const Limit limit : limits_reached(record, dns)) Metrics::count(metrics.limits, limit);
  Metrics::add(metrics.busy_microseconds, static_cast<std::uint64_t>(record.busy.count()));
  Metrics::count(metrics.messages, action_on(record));
}

void count_internal_failure(Metrics& metrics) noexcept {
  Metrics::count_word(metrics.rules, kRules, "internal");
  Metrics::count(metrics.messages, Disposition::tempfail);
}

}  // namespace authmilter
