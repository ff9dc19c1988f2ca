#pragma once

#include <string>
#include <utility>
#include <vector>

#include <authmilter/message_record.h>
#include <authmilter/report_row.h>
#include <authmilter/reports_config.h>

#include "lib/policy/findings.h"

/// Records of messages that were judged, for tests of the rows made of them.
namespace authmilter::rows_test {

using policy_test::dkim;
using policy_test::name;
using policy_test::spf;

constexpr std::int64_t kNoon = 20'000 * kDaySeconds + 43'200;

/// What "p=reject t=y" says of the record, and of what applies.
struct Published {
  AssessmentPolicy p = AssessmentPolicy::none;
  bool testing = false;
};

inline AssessmentPolicy lowered(const Published& published) {
  if (!published.testing || published.p == AssessmentPolicy::none) return published.p;
  return published.p == AssessmentPolicy::reject ? AssessmentPolicy::quarantine
                                                 : AssessmentPolicy::none;
}

inline Findings findings_of(DmarcResult result, const Published& published) {
  DmarcOutcome dmarc = policy_test::dmarc(result, published.p);
  dmarc.policy = lowered(published);
  dmarc.policy_known = true;
  dmarc.organizational_domain = dmarc.author_domain;
  if (result != DmarcResult::none) {
    dmarc.policy_domain = dmarc.author_domain;
    dmarc.record.emplace();
    dmarc.record->p = published.p;
    dmarc.record->testing = published.testing;
    dmarc.record->rua.addresses = {{"dmarc@author.example", name("author.example")}};
  }
  if (result == DmarcResult::pass) dmarc.dkim_aligned = true;
  return policy_test::findings(spf(SpfResult::pass), dmarc);
}

inline MessageRecord record_of(const Findings& findings, const PolicyConfig& policy = {},
                               VerifyMode mode = VerifyMode::enforce) {
  MessageVerdict verdict;
  verdict.findings = findings;
  verdict.decision = decide(findings, policy);
  verdict.disposition = verdict.decision.disposition;
  if (mode == VerifyMode::monitor) verdict.disposition = Disposition::accept;
  MessageRecord record;
  record.received = kNoon;
  record.result = verdict;
  return record;
}

/// "quarantine policy_test_mode, local_policy (monitor mode)"
inline std::string evaluated(const ReportRow& row) {
  std::string text(to_string(row.record.disposition));
  for (const PolicyOverrideReason& reason : row.record.reasons) {
    text += &reason == &row.record.reasons.front() ? " " : ", ";
    text += to_string(reason.type);
    if (!reason.comment.empty()) text += " (" + reason.comment + ")";
  }
  return text;
}

inline PolicyConfig with_actions(Disposition reject, Disposition quarantine) {
  PolicyConfig policy;
  policy.actions.dmarc_reject = reject;
  policy.actions.dmarc_quarantine = quarantine;
  return policy;
}

inline PolicyConfig with_override(std::vector<MailingList> lists, Disposition instead) {
  PolicyConfig policy;
  PolicyOverride rule;
  if (lists.empty()) rule.author_domain = policy_test::domains({"author.example"});
  rule.list = std::move(lists);
  rule.actions.dmarc_reject = instead;
  policy.overrides = std::vector<PolicyOverride>{rule};
  return policy;
}

}  // namespace authmilter::rows_test
