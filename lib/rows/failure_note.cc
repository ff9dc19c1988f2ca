#include <authmilter/failure_note.h>

#include <algorithm>
#include <string_view>

#include <authmilter/message_record.h>
#include <authmilter/report_row.h>
#include <authmilter/reports_config.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// RFC 9989 section 4.7, fo: does it have this option?
bool asks(const PolicyRecord& record, std::string_view option) {
  const auto options = split(record.fo, ':');
  return std::find(options.begin(), options.end(), option) != options.end();
}

const SpfOutcome* mail_from_spf(const Findings& findings) {
  const auto found = std::find_if(
      findings.spf.begin(), findings.spf.end(),
      [](const SpfOutcome& outcome) { return outcome.identity == SpfIdentity::mailfrom; });
  return found == findings.spf.end() ? nullptr : &*found;
}

bool has_failed(DkimResult result) {
  return result != DkimResult::pass && result != DkimResult::none &&
         result != DkimResult::temperror;
}

/// RFC 6652 section 3: what an SPF record does not let pass.
bool has_failed(const SpfOutcome* spf) {
  return spf != nullptr && (spf->result == SpfResult::fail || spf->result == SpfResult::softfail ||
                            spf->result == SpfResult::permerror);
}

/// What kind of failure is told, if any.
std::optional<AuthFailure> failure_of(const Findings& findings) {
  const DmarcOutcome& dmarc = findings.dmarc;
  const PolicyRecord& record = *dmarc.record;
  if (dmarc.result != DmarcResult::fail && dmarc.result != DmarcResult::pass) return std::nullopt;
  // RFC 9989 section 4.7: 0, if all mechanisms failed; 1, if any did.
  if (asks(record, "1") && !(dmarc.dkim_aligned && dmarc.spf_aligned)) return AuthFailure::dmarc;
  if (asks(record, "0") && dmarc.result == DmarcResult::fail) return AuthFailure::dmarc;
  // d and s, whether or not anything aligns (RFC 6651, RFC 6652).
  const bool signature = std::any_of(findings.dkim.begin(), findings.dkim.end(),
                                     [](const DkimOutcome& one) { return has_failed(one.result); });
  if (asks(record, "d") && signature) return AuthFailure::signature;
  if (asks(record, "s") && has_failed(mail_from_spf(findings))) return AuthFailure::spf;
  return std::nullopt;
}

DeliveryResult delivery_of(Disposition disposition) {
  switch (disposition) {
    case Disposition::accept:
      return DeliveryResult::delivered;
    case Disposition::tag:
      return DeliveryResult::spam;
    case Disposition::quarantine:
      return DeliveryResult::policy;
    case Disposition::reject:
      return DeliveryResult::reject;
    case Disposition::discard:
    case Disposition::tempfail:
      break;
  }
  return DeliveryResult::other;
}

/// Of the author's organization, as far as the name says so.
bool is_related(const DomainName& domain, const DmarcOutcome& dmarc) {
  const auto& organization = dmarc.organizational_domain;
  return domain == dmarc.author_domain || (organization && domain.is_equal_or_below(*organization));
}

}  // namespace

std::optional<FailureNote> failure_note(const MessageRecord& record, const ReportsConfig& config) {
  const MessageVerdict* verdict = record.verdict();
  if (!config.failure_reports || verdict == nullptr || !report_row(record, config))
    return std::nullopt;
  const Findings& findings = verdict->findings;
  const DmarcOutcome& dmarc = findings.dmarc;
  if (!dmarc.record || !dmarc.policy_domain || dmarc.record->ruf.addresses.empty())
    return std::nullopt;
  // RFC 9991 section 2: `ruf` of a public suffix's record must not be used.
  if (dmarc.record->psd == PsdFlag::y) return std::nullopt;
  const auto failure = failure_of(findings);
  if (!failure) return std::nullopt;
  FailureNote note{*dmarc.policy_domain};
  for (const ReportAddress& address : dmarc.record->ruf.addresses)
    note.ruf.push_back(address.uri());
  FailureReport& report = note.report;
  report.auth_failure = failure;
  report.identity_alignment = IdentityAlignment{!dmarc.dkim_aligned, !dmarc.spf_aligned};
  report.delivery_result = delivery_of(action_on(record));
  report.reported_domain = dmarc.author_domain;
  report.source_ip = findings.client;
  report.arrival_date = record.received;
  report.original_mail_from = findings.mail_from.null ? "" : mailbox_text(findings.mail_from);
  report.authentication_results = verdict->authentication_results;
  // RFC 9991 section 4: of an aligned identity that failed, these are required.
  for (const DkimOutcome& one : findings.dkim) {
    if (!has_failed(one.result) || !one.domain || !one.selector) continue;
    if (!is_related(*one.domain, dmarc) && *failure != AuthFailure::signature) continue;
    report.dkim_domain = one.domain->text();
    report.dkim_identity = one.identity;
    report.dkim_selector = one.selector->text();
    break;
  }
  const SpfOutcome* spf = mail_from_spf(findings);
  if (has_failed(spf) && spf->domain &&
      (is_related(*spf->domain, dmarc) || *failure == AuthFailure::spf))
    note.spf_domain = spf->domain;
  report.original_header = record.header;
  return note;
}

std::string kind_of(const FailureNote& note) {
  const FailureReport& report = note.report;
  const IdentityAlignment alignment = report.identity_alignment.value_or(IdentityAlignment{});
  std::string text = note.policy_domain.text();
  const auto add = [&text](std::string_view part) { (text += '\n') += part; };
  add(report.reported_domain ? report.reported_domain->text() : "");
  add(report.source_ip ? report.source_ip->text() : "");
  add(to_string(report.auth_failure.value_or(AuthFailure::dmarc)));
  add(alignment.dkim_failed ? "dkim" : "");
  add(alignment.spf_failed ? "spf" : "");
  add(report.dkim_domain);
  add(report.dkim_selector);
  add(note.spf_domain ? note.spf_domain->text() : "");
  for (const std::string& uri : note.ruf) add(uri);
  return text;
}

}  // namespace authmilter
