#include <algorithm>

#include <authmilter/report_view.h>

namespace authmilter {

ReportTally& ReportTally::operator+=(const ReportTally& other) {
  messages += other.messages;
  pass += other.pass;
  dkim += other.dkim;
  spf += other.spf;
  quarantined += other.quarantined;
  rejected += other.rejected;
  excused += other.excused;
  would_quarantine += other.would_quarantine;
  would_reject += other.would_reject;
  return *this;
}

WhatIf& WhatIf::operator+=(const WhatIf& other) {
  strict_dkim += other.strict_dkim;
  strict_spf += other.strict_spf;
  strict_both += other.strict_both;
  hard_spf += other.hard_spf;
  hard_spf_passing += other.hard_spf_passing;
  return *this;
}

FailureCauses& FailureCauses::operator+=(const FailureCauses& other) {
  forwarded += other.forwarded;
  broken_signature += other.broken_signature;
  foreign_dkim += other.foreign_dkim;
  foreign_spf += other.foreign_spf;
  not_in_spf += other.not_in_spf;
  nothing += other.nothing;
  return *this;
}

ReportTally sum(const TallyDays& days) {
  ReportTally all;
  for (const auto& [day, tally] : days) all += tally;
  return all;
}

ReportTally sum(const TallyDays& days, ReportDay first, ReportDay last) {
  ReportTally all;
  for (const auto& [day, tally] : days) {
    if (day >= first && day <= last) all += tally;
  }
  return all;
}

}  // namespace authmilter
