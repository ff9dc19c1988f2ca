#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/report_row.h>
#include <authmilter/report_sending.h>
#include <authmilter/report_store.h>

namespace authmilter {

/// One report to be made: of one day, one policy domain and one policy configuration (RFC 9990
/// section 3.1).
struct PlannedReport {
  std::string configuration;  // see configuration_id()
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

/// Tells the policy configurations of a day apart: hexadecimal digits, the same whenever and
/// wherever they are made. What a report does not show and nobody is sent by is left out of it.
std::string configuration_id(const PolicyInForce& policy);

/// The names of a report, which stay whatever happens to it.
struct ReportNames {
  std::string report_id;
  std::string file_name;
};
/// `first` among the configurations of its day: the others have a unique-id in the file name.
enum class Configuration : std::uint8_t { first, further };
ReportNames report_names(const ReportSender& sender, ReportDay day, const DomainName& policy_domain,
                         std::string_view configuration, Configuration place);
/// The part of a Report-ID of ours that says which configuration; empty for what is not ours.
std::string_view configuration_of(std::string_view report_id);

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
