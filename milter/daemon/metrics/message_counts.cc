#include "metrics/message_counts.h"

#include <algorithm>
#include <span>

namespace authmilter {
namespace {

/// The limit that was the reason.
template <class Word>
struct LimitOf {
  Word reason;
  Limit limit;
};
constexpr LimitOf<SpfReason> kSpfLimits[] = {
    {SpfReason::too_many_lookups, Limit::spf_lookups},
    {SpfReason::too_many_void_lookups, Limit::spf_void_lookups},
    {SpfReason::too_many_mx, Limit::spf_mx},
    {SpfReason::record_too_long, Limit::spf_record},
    {SpfReason::term_too_long, Limit::spf_record}};
constexpr LimitOf<DkimReason> kDkimLimits[] = {
    {DkimReason::too_many_signatures, Limit::signatures},
    {DkimReason::too_many_signed_names, Limit::signed_names},
    {DkimReason::too_many_body_lengths, Limit::body_lengths}};
constexpr LimitOf<ArcReason> kArcLimits[] = {
    {ArcReason::too_many_sets, Limit::arc_sets},
    {ArcReason::too_many_keys, Limit::arc_keys},
    {ArcReason::too_many_signature_checks, Limit::arc_keys}};
constexpr LimitOf<DmarcReason> kDmarcLimits[] = {
    {DmarcReason::identifier_limit, Limit::dmarc_identifiers}};

template <class Word>
void add_limit(std::set<Limit>& limits, std::span<const LimitOf<Word>> rows,
               const Reason<Word>& reason) {
  for (const auto& row : rows) {
    if (row.reason == reason.code()) limits.insert(row.limit);
  }
}

std::set<Limit> limits_of_lookups(const MessageVerdict& verdict, const DnsConfig& dns) {
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
  Metrics::count(metrics.arc, findings.arc.result);
}

void count_decision(Metrics& metrics, const Decision& decision) {
  Metrics::count(metrics.decisions, decision.disposition);
  Metrics::count(metrics.rules, decision.rule);
  if (decision.by_override) Metrics::add(metrics.overrides);
}

void count_verdict(Metrics& metrics, const MessageVerdict& verdict) {
  count_findings(metrics, verdict.findings);
  count_decision(metrics, verdict.decision);
  Metrics::count(metrics.seals, verdict.seal.state);
  Metrics::add(metrics.dns_questions, verdict.dns_queries);
  Metrics::add(metrics.dns_wait_microseconds, static_cast<std::uint64_t>(verdict.dns_wait.count()));
}

void count_signing(Metrics& metrics, const SigningOutcome& signing) {
  const SigningReason reason = signing.reason.code();
  Metrics::count(metrics.rules, Rule::signing);
  if (signing.failed) return Metrics::count(metrics.signing_failures, reason);
  if (signing.keys.empty()) {
    Metrics::count(metrics.unsigned_messages, reason);
  } else {
    Metrics::add(metrics.signed_messages);
  }
  for (const SigningKey& key : signing.keys) Metrics::count(metrics.signatures, key.key->type());
  for (const Fragility kind : signing.fragile) Metrics::count(metrics.fragile_messages, kind);
}

}  // namespace

std::set<Limit> limits_reached(const MessageRecord& record, const DnsConfig& dns) {
  if (const auto* signing = record.signing()) {
    if (signing->reason.code() == SigningReason::header_limit_exceeded) return {Limit::header};
    return {};
  }
  const auto* verdict = record.verdict();
  if (verdict == nullptr) return {};
  std::set<Limit> limits = limits_of_lookups(*verdict, dns);
  for (const SpfOutcome& outcome : verdict->findings.spf)
    add_limit<SpfReason>(limits, kSpfLimits, outcome.reason);
  for (const DkimOutcome& outcome : verdict->findings.dkim)
    add_limit<DkimReason>(limits, kDkimLimits, outcome.reason);
  add_limit<ArcReason>(limits, kArcLimits, verdict->findings.arc.reason);
  add_limit<DmarcReason>(limits, kDmarcLimits, verdict->findings.dmarc.reason);
  if (verdict->decision.rule == Rule::limit_header) limits.insert(Limit::header);
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
  Metrics::count(metrics.rules, Rule::internal);
  Metrics::count(metrics.messages, Disposition::tempfail);
}

}  // namespace authmilter
