#include "report_sending/report_plan.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "dmarc/report_destinations.h"

namespace authmilter {
namespace {

/// "2026-11-28"
std::string date_text(ReportDay day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

/// Mail of our reporting domain that comes from outside may be our own report, on its way to
/// ourselves: were it alone to make a report, there would be another one each day for ever.
bool is_ours(const ReportRow& row, const ReportSender& sender) {
  const bool authenticated =
      row.record.dkim == AlignedResult::pass || row.record.spf == AlignedResult::pass;
  return authenticated && row.record.header_from == sender.domain.text();
}

/// RFC 6068 section 2: what is before the "@" may differ in its case, and is somebody else's to
/// know; the host does not.
std::string comparable(const ReportAddress& address) {
  return address.mailbox.substr(0, address.mailbox.find('@') + 1) + address.domain.text();
}

}  // namespace

Result<ReportSender> ReportSender::of(const Config& config) {
  const ReportsConfig& reports = config.reports;
  if (reports.organization.empty()) return Error{"reports.organization: is not set"};
  if (reports.email.empty()) return Error{"reports.email: is not set"};
  const auto parsed = parse_report_destinations("mailto:" + reports.email);
  if (parsed.addresses.size() != 1)
    return Error{fmt::format("reports.email: \"{}\" is not a plain address", reports.email)};
  const DomainName& domain = parsed.addresses.front().domain;
  const bool own_store = !reports.store || reports.store->engine == StoreEngine::sqlite;
  const bool host_speaks =
      own_store && config.authserv_id && config.authserv_id->is_equal_or_below(domain);
  return ReportSender{reports.organization,
                      reports.email,
                      reports.contact,
                      std::string("authmilter ") + AUTHMILTER_VERSION,
                      domain,
                      host_speaks ? *config.authserv_id : domain};
}

std::string configuration_text(const PolicyInForce& policy) {
  const PolicyPublished& published = policy.published;
  const auto word = [](const auto& value) {
    return value ? std::string(to_string(*value)) : std::string("-");
  };
  const auto mode = [](const std::optional<AlignmentMode>& value) {
    return value ? std::string(*value == AlignmentMode::strict ? "s" : "r") : std::string("-");
  };
  std::string text = published.domain.text();
  for (const std::string& part :
       {word(published.p), word(published.sp), word(published.np), mode(published.adkim),
        mode(published.aspf), word(published.discovery_method), published.fo,
        std::string(published.testing.value_or(false) ? "y" : "n")})
    text += "\n" + part;
  for (const std::string& uri : policy.rua) text += "\n" + uri;
  return text;
}

ReportIdentity report_identity(const DomainName& receiver, ReportDay day,
                               const PolicyInForce& policy, const std::string& secret) {
  // RFC 9990 section 3.1.1.4: one UTC day; the next period begins a second later.
  const std::int64_t begin = day * kDaySeconds;
  return {
      receiver, policy.published.domain, begin, begin + kDaySeconds - 1, configuration_text(policy),
      secret};
}

std::optional<ReportIdentity> report_identity(const SendEntry& entry, const PolicyInForce& policy,
                                              const std::string& secret) {
  const auto receiver = DomainName::parse(entry.report_id.substr(entry.report_id.rfind('@') + 1));
  if (!receiver) return std::nullopt;
  ReportIdentity identity = report_identity(*receiver, entry.day, policy, secret);
  if (report_id(identity) == entry.report_id) return identity;
  // RFC 9990 section 3.5.2: what was planned before there was a secret keeps its name.
  identity.secret.clear();
  if (report_id(identity) == entry.report_id) return identity;
  return std::nullopt;
}

StoreResult<std::vector<PlannedReport>> planned_reports(ReportStore& store,
                                                        const ReportSubject& subject,
                                                        const ReportSender& sender) {
  std::vector<PlannedReport> reports;
  const auto take = [&](const ReportRow& row) {
    // RFC 9989 section 4.7, rua: without it no aggregate report must be sent.
    if (!row.policy || row.policy->rua.empty()) return;
    std::string configuration = configuration_text(*row.policy);
    auto report = std::find_if(reports.rbegin(), reports.rend(), [&](const PlannedReport& one) {
      return one.configuration == configuration;
    });
    if (report == reports.rend()) {
      reports.push_back({std::move(configuration), *row.policy});
      report = reports.rbegin();
    }
    report->messages += row.record.count;
    report->rows += 1;
    report->only_ours = report->only_ours && is_ours(row, sender);
  };
  const auto read = store.rows(subject.day, subject.policy_domain, take);
  if (!read) return read.error();
  std::sort(reports.begin(), reports.end(), [](const PlannedReport& a, const PlannedReport& b) {
    return a.messages != b.messages ? a.messages > b.messages : a.configuration < b.configuration;
  });
  return reports;
}

SubjectPlan plan_subject(const ReportSubject& subject, std::vector<PlannedReport> reports,
                         const ReportSender& sender, const ReportsConfig& config,
                         std::int64_t now) {
  SubjectPlan plan;
  const std::string about = date_text(subject.day) + " " + subject.policy_domain.text();
  if (std::erase_if(reports, [](const PlannedReport& report) { return report.only_ours; }) > 0)
    plan.notes.push_back(about + ": nothing but mail of our own reporting domain");
  if (reports.size() > kConfigurations) {
    plan.notes.push_back(fmt::format("{}: {} policies within the day, of which {} are reported",
                                     about, reports.size(), kConfigurations));
    reports.erase(reports.begin() + kConfigurations, reports.end());
  }
  for (const PlannedReport& report : reports) {
    const ReportIdentity identity =
        report_identity(sender.submitter, subject.day, report.policy, sender.secret);
    const ReportPlace place =
        &report == &reports.front() ? ReportPlace::first : ReportPlace::further;
    // RFC 9990 section 3.5: every URI in the order given, up to a limit of ours; malformed ones and
    // other schemes do not count.
    std::set<std::string> known;
    for (const std::string& uri : report.policy.rua) {
      const auto parsed = parse_report_destinations(uri);
      if (parsed.addresses.size() != 1 || known.size() >= config.destinations) continue;
      if (!known.insert(comparable(parsed.addresses.front())).second) continue;
      plan.entries.push_back({subject.day, subject.policy_domain, parsed.addresses.front().uri(),
                              report_id(identity), report_file_name(identity, place),
                              SendState::planned, 0, now});
    }
  }
  return plan;
}

}  // namespace authmilter
