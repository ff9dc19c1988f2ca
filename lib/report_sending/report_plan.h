#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/report_name.h>
#include <authmilter/report_row.h>
#include <authmilter/report_sending.h>
#include <authmilter/report_store.h>

namespace authmilter {

/// One report to be made: of one day, one policy domain and one policy configuration (RFC 9990
/// section 3.1).
struct PlannedReport {
  std::string configuration;  // see configuration_text()
  PolicyInForce policy;
  std::uint64_t messages = 0;
  std::uint64_t rows = 0;
  /// Of the messages all are mail of our own reporting domain that has authenticated.
  bool only_ours = true;
};

/// RFC 9990 section 3.1: whoever changes the policy within a day gets a report for each
/// configuration. The owner of a domain can have a new one for each message, so there is an end;
/// what has had the most messages is reported.
constexpr std::size_t kConfigurations = 4;

/// What tells the policy configurations of a day apart, as text: the same whenever and wherever it
/// is made. What no report shows, and nobody is sent a report by, is left out of it.
std::string configuration_text(const PolicyInForce& policy);

/// The identity of a report of `receiver` about one day; `secret` as in ReportSender.
ReportIdentity report_identity(const DomainName& receiver, ReportDay day,
                               const PolicyInForce& policy, const std::string& secret);
/// The same of a report that was planned before, maybe under another name of ours, or by a store
/// that had no secret yet. Nothing for a Report-ID that is none of ours.
std::optional<ReportIdentity> report_identity(const SendEntry& entry, const PolicyInForce& policy,
                                              const std::string& secret);

/// What is to be reported of a day and domain, most messages first.
StoreResult<std::vector<PlannedReport>> planned_reports(ReportStore& store,
                                                        const ReportSubject& subject,
                                                        const ReportSender& sender);

/// What is to be sent: for each report the first destinations of its policy, in their order.
struct SubjectPlan {
  std::vector<SendEntry> entries;
  std::vector<std::string> notes;
};
SubjectPlan plan_subject(const ReportSubject& subject, std::vector<PlannedReport> reports,
                         const ReportSender& sender, const ReportsConfig& config, std::int64_t now);

}  // namespace authmilter
