#include <authmilter/report_row.h>

#include <algorithm>
#include <span>
#include <utility>

#include <authmilter/message_record.h>
#include <authmilter/reports_config.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

// RFC 9990 section 3.1.1, `error`: one text. What is wrong with a record is said in a few words
// each, and a record can have many.
constexpr std::size_t kErrorOctets = 200;

std::vector<std::string> uris(const ReportDestinations& destinations) {
  std::vector<std::string> list;
  for (const ReportAddress& address : destinations.addresses) list.push_back(address.uri());
  return list;
}

std::string error_of(const PolicyRecord& record) {
  std::string text;
  for (const std::string& note : record.notes) {
    if (text.size() + note.size() > kErrorOctets) break;
    text += text.empty() ? note : "; " + note;
  }
  return printable(text, kErrorOctets);
}

PolicyInForce policy_in_force(const DomainName& domain, const PolicyRecord& record) {
  PolicyInForce policy{.published = {.domain = domain}};
  PolicyPublished& published = policy.published;
  // RFC 9989 section 4.10.1: with an invalid p, sp or np the record is acted on as p=none.
  if (record.invalid_policy) {
    published.p = published.sp = published.np = AssessmentPolicy::none;
  } else {
    published.p = record.p.value_or(AssessmentPolicy::none);
    published.sp = record.sp.value_or(*published.p);
    published.np = record.np.value_or(*published.sp);
  }
  published.adkim = record.adkim;
  published.aspf = record.aspf;
  published.discovery_method = DiscoveryMethod::treewalk;
  published.fo = record.fo;
  published.testing = record.testing;
  policy.psd = record.psd;
  policy.rua = uris(record.rua);
  policy.ruf = uris(record.ruf);
  policy.error = error_of(record);
  return policy;
}

/// What a disposition is in the words of a report.
ReportedDisposition applied(Disposition disposition) {
  switch (disposition) {
    case Disposition::accept:
    case Disposition::tempfail:
      return ReportedDisposition::none;
    case Disposition::tag:
    case Disposition::quarantine:
      return ReportedDisposition::quarantine;
    case Disposition::reject:
    case Disposition::discard:
      return ReportedDisposition::reject;
  }
  return ReportedDisposition::none;
}

ReportedDisposition asked_for(AssessmentPolicy policy) {
  switch (policy) {
    case AssessmentPolicy::none:
      return ReportedDisposition::none;
    case AssessmentPolicy::quarantine:
      return ReportedDisposition::quarantine;
    case AssessmentPolicy::reject:
      return ReportedDisposition::reject;
  }
  return ReportedDisposition::none;
}

bool monitored(const MessageVerdict& verdict) {
  return verdict.disposition == Disposition::accept &&
         verdict.decision.disposition != Disposition::accept;
}

PolicyOverrideReason local_policy(const Decision& decision) {
  return {PolicyOverrideType::local_policy, std::string(to_string(decision.rule))};
}

/// Why what happened is not what the policy asks for. RFC 9990 section 3.1.1: there must be a
/// reason where alignment fails and the policy was not followed as published.
std::vector<PolicyOverrideReason> reasons_of(const MessageVerdict& verdict,
                                             ReportedDisposition happened) {
  const DmarcOutcome& dmarc = verdict.findings.dmarc;
  const Decision& decision = verdict.decision;
  if (dmarc.result == DmarcResult::pass) {
    // Nobody is to blame for the message but our own rules.
    if (happened == ReportedDisposition::quarantine || happened == ReportedDisposition::reject)
      return {local_policy(decision)};
    return {};
  }
  if (happened == asked_for(dmarc.published_policy)) return {};
  std::vector<PolicyOverrideReason> reasons;
  // RFC 9989 section 4.7, t=y: the policy that applies is one step lower.
  if (dmarc.policy != dmarc.published_policy)
    reasons.push_back({PolicyOverrideType::policy_test_mode, ""});
  if (happened == asked_for(dmarc.policy)) return reasons;
  const std::size_t of_test_mode = reasons.size();
  if (decision.override_reason) {
    const bool sealer = decision.rule == Rule::arc_trusted;
    reasons.push_back({override_type(*decision.override_reason), sealer ? "arc=pass" : ""});
  }
  if (monitored(verdict)) reasons.push_back({PolicyOverrideType::local_policy, "monitor mode"});
  if (reasons.size() == of_test_mode) reasons.push_back(local_policy(decision));
  return reasons;
}

/// RFC 9990 section 3.1.1: the order in which DKIM results are worth a place.
int order_of(const DkimOutcome& outcome, const DmarcOutcome& dmarc) {
  if (outcome.result != DkimResult::pass) return 3;
  if (outcome.domain == dmarc.author_domain) return 0;
  const auto& organization = dmarc.organizational_domain;
  return organization && outcome.domain->is_equal_or_below(*organization) ? 1 : 2;
}

std::vector<ReportedDkim> dkim_results(const Findings& findings) {
  std::vector<std::pair<int, const DkimOutcome*>> ordered;
  for (const DkimOutcome& outcome : findings.dkim) {
    // Both are required. One that the grammar does not know is no name to be repeated.
    if (outcome.domain && outcome.selector)
      ordered.emplace_back(order_of(outcome, findings.dmarc), &outcome);
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (ordered.size() > kReportDkim) ordered.resize(kReportDkim);
  std::vector<ReportedDkim> results;
  for (const auto& [order, outcome] : ordered) {
    // The detail of a reason can be the sender's own words.
    results.push_back({outcome->domain->text(), outcome->selector->text(),
                       reported_result(outcome->result), std::string(outcome->reason.word())});
  }
  return results;
}

/// RFC 9990 section 3.1.1: of the MAIL FROM identity only, which for the null reverse-path is
/// postmaster@HELO.
const SpfOutcome* mail_from_spf(const Findings& findings) {
  for (const SpfOutcome& outcome : findings.spf) {
    if (outcome.identity == SpfIdentity::mailfrom) return &outcome;
  }
  return nullptr;
}

std::vector<ReportedSpf> spf_results(const Findings& findings) {
  const SpfOutcome* outcome = mail_from_spf(findings);
  if (outcome == nullptr || !outcome->domain) return {};
  // Which term matched is to be read in the record. Of the rest the reason is news.
  const bool plain = outcome->reason.code() == SpfReason::matched ||
                     outcome->reason.code() == SpfReason::by_default;
  return {{outcome->domain->text(), SpfScope::mfrom, reported_result(outcome->result),
           plain ? "" : std::string(outcome->reason.word())}};
}

/// The one domain that all recipients are of; empty where there are several.
std::string recipients_domain(const std::vector<ReversePath>& recipients) {
  if (recipients.empty() || !recipients.front().domain) return {};
  const auto& first = recipients.front().domain;
  const bool same = std::all_of(recipients.begin(), recipients.end(),
                                [&](const ReversePath& path) { return path.domain == first; });
  return same ? first->text() : std::string();
}

bool keeps(const ReportsConfig& config, ReportKeep what) {
  return std::find(config.keep.begin(), config.keep.end(), what) != config.keep.end();
}

/// What comes to the author of our reports, and to nobody else, is what came of those: were it
/// reported too, two hosts could go on reporting to each other for ever.
bool answers_reports(const std::vector<ReversePath>& recipients, const ReportsConfig& config) {
  if (config.email.empty() || recipients.empty()) return false;
  const ReversePath own = parse_reverse_path(config.email);
  return std::all_of(recipients.begin(), recipients.end(), [&](const ReversePath& path) {
    return path.domain && path.domain == own.domain &&
           equals_ignoring_case(path.local_part, own.local_part);
  });
}

bool excluded(const Findings& findings, const IpAddress& source, const ReportsConfig& config) {
  if (config.exclude_authors.matches(findings.dmarc.author_domain)) return true;
  if (config.exclude_networks.contains(source)) return true;
  if (findings.client && config.exclude_networks.contains(*findings.client)) return true;
  if (answers_reports(findings.recipients, config)) return true;
  return std::any_of(
      findings.recipients.begin(), findings.recipients.end(),
      [&](const ReversePath& path) { return config.exclude_recipients.matches(path); });
}

/// Who handed the message to us, or to a forwarder of ours.
std::optional<IpAddress> source_of(const Findings& findings) {
  if (findings.forwarder && findings.forwarder->client) return findings.forwarder->client;
  return findings.client;
}

void fill_in_policy(ReportRow& row, const MessageVerdict& verdict, const ReportsConfig& config) {
  const Findings& findings = verdict.findings;
  const DmarcOutcome& dmarc = findings.dmarc;
  row.policy = policy_in_force(*dmarc.policy_domain, *dmarc.record);
  AggregateRecord& record = row.record;
  // RFC 9990 section 3.1.1: `pass` where an enforcing policy, as published, was met; t=y does not
  // change that.
  if (dmarc.result == DmarcResult::pass && record.disposition == ReportedDisposition::none &&
      dmarc.published_policy != AssessmentPolicy::none)
    record.disposition = ReportedDisposition::pass;
  record.dkim = dmarc.dkim_aligned ? AlignedResult::pass : AlignedResult::fail;
  record.spf = dmarc.spf_aligned ? AlignedResult::pass : AlignedResult::fail;
  record.reasons = reasons_of(verdict, record.disposition);
  if (findings.mail_from.null) {
    record.envelope_from = "";
  } else if (findings.mail_from.domain) {
    record.envelope_from = findings.mail_from.domain->text();
  }
  if (keeps(config, ReportKeep::envelope_to))
    record.envelope_to = recipients_domain(findings.recipients);
  record.dkim_results = dkim_results(findings);
  record.spf_results = spf_results(findings);
}

}  // namespace

ReportDay report_day(std::int64_t time) {
  const std::int64_t day = time / kDaySeconds;
  return static_cast<ReportDay>(time % kDaySeconds < 0 ? day - 1 : day);
}

std::optional<ReportRow> report_row(const MessageRecord& record, const ReportsConfig& config) {
  const MessageVerdict* verdict = record.verdict();
  if (verdict == nullptr || action_on(record) == Disposition::tempfail) return std::nullopt;
  const Findings& findings = verdict->findings;
  const DmarcOutcome& dmarc = findings.dmarc;
  const auto source = source_of(findings);
  if (!dmarc.author_domain || !source || excluded(findings, *source, config)) return std::nullopt;
  const bool applies = dmarc.policy_domain && dmarc.record && dmarc.result != DmarcResult::none;
  if (dmarc.result == DmarcResult::temperror && !applies) return std::nullopt;

  ReportRow row{.day = report_day(record.received)};
  row.record.source_ip = *source;
  row.record.count = 1;
  row.record.header_from = dmarc.author_domain->text();
  row.record.disposition = applied(verdict->disposition);
  row.rule = verdict->decision.rule;
  row.decided = verdict->decision.disposition;
  row.monitored = monitored(*verdict);
  if (applies) {
    fill_in_policy(row, *verdict, config);
  } else if (const SpfOutcome* spf = mail_from_spf(findings)) {
    row.record.spf_results = {{"", SpfScope::mfrom, reported_result(spf->result), ""}};
  }
  return row;
}

}  // namespace authmilter
