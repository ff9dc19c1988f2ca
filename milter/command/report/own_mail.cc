#include "report/own_mail.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <authmilter/aggregate_writer.h>
#include <authmilter/failure_report_mail.h>
#include <authmilter/report_mail.h>

#include "options/message_options.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

std::string packed(const AggregateReport& report, std::span<const AggregateRecord> records) {
  AggregateWriter writer(report, report.form == ReportForm::rfc9990 ? ReportNamespace::rfc9990
                                                                    : ReportNamespace::none);
  for (const AggregateRecord& record : records) writer.add(record);
  return writer.finish();
}

/// RFC 9990 section 3.5.2: the words are case-sensitive.
std::string subject(const SendEntry& entry, const ReportSender& sender) {
  return "Report Domain: " + entry.policy_domain.text() + " Submitter: " + sender.submitter.text() +
         " Report-ID: <" + entry.report_id + ">";
}

/// The configuration with the keys of one author's domain alone: a host may have thousands.
Config with_keys_of(const Config& config, const DomainName& author) {
  Config own = config;
  const auto concerns = [&](const SigningDomainConfig& domain) {
    return author == domain.domain ||
           (domain.subdomains && author.is_equal_or_below(domain.domain));
  };
  std::erase_if(own.signing.domains, [&](const auto& domain) { return !concerns(domain); });
  std::erase_if(own.signing.drop_ins, [&](const auto& drop_in) {
    return std::none_of(drop_in->domains.begin(), drop_in->domains.end(), concerns);
  });
  return own;
}

std::string field_text(const HeaderEdit& edit) {
  std::string text = edit.name + ": ";
  for (const char c : edit.value) {
    if (c == '\n') text += '\r';
    text += c;
  }
  return text + "\r\n";
}

}  // namespace

void OwnMail::read_keys() {
  looked_ = true;
  auto runtime = std::make_unique<CommandRuntime>(with_keys_of(config_, sender_.domain));
  if (!*runtime) {
    runtime->report_failure();
    note("so reports are not signed here");
    return;
  }
  if ((*runtime)->keys().keys_for(sender_.domain).empty()) {
    note("no key of " + sender_.domain.text() +
         " is here: reports must pass DMARC (RFC 9990), so whoever passes them on has to sign");
    return;
  }
  runtime_ = std::move(runtime);
}

std::string OwnMail::signed_mail(const std::string& mail) {
  if (!looked_) read_keys();
  if (runtime_ == nullptr) return mail;
  const Runtime& runtime = **runtime_;
  MessageOptions options;
  options.mail_from = sender_.email;
  const InputMessage input = message_from_text(mail);
  Envelope envelope = options.submission(input.message);
  envelope.submitted_here = true;
  const SigningOutcome outcome =
      stream(*runtime.signer(envelope, std::time(nullptr)), input.message);
  if (outcome.failed || outcome.keys.empty()) {
    note("a report is not signed: " + outcome.reason.text());
    return mail;
  }
  std::string fields;
  for (const HeaderEdit& edit : outcome.edits) fields.insert(0, field_text(edit));
  return fields + mail;
}

ReportComposer OwnMail::composer() {
  return [this](const AggregateReport& report, std::span<const AggregateRecord> records,
                const SendEntry& entry,
                const std::vector<ReportAddress>& recipients) -> Result<OutgoingReport> {
    ReportMailHeader header;
    header.from = sender_.email;
    for (const ReportAddress& one : recipients) header.to.push_back(one.mailbox);
    header.subject = subject(entry, sender_);
    // RFC 9990 section 3.5.2: so that a mail which is sent again is known as such.
    header.message_id = entry.report_id;
    header.date = std::time(nullptr);
    auto mail = aggregate_report_mail(header, entry.file_name, packed(report, records));
    if (!mail) return mail.error();
    return OutgoingReport{std::move(header.to), signed_mail(*mail)};
  };
}

FailureComposer OwnMail::failure_composer() {
  return [this](const FailureReport& report, const std::string& message_id,
                const std::vector<ReportAddress>& recipients) -> Result<OutgoingReport> {
    FailureReport told = report;
    told.user_agent = sender_.generator;
    ReportMailHeader header;
    header.from = sender_.email;
    for (const ReportAddress& one : recipients) header.to.push_back(one.mailbox);
    header.subject = "DMARC failure report for " +
                     (report.reported_domain ? report.reported_domain->text() : "a domain");
    header.message_id = message_id;
    header.date = std::time(nullptr);
    auto mail = failure_report_mail(header, told);
    if (!mail) return mail.error();
    return OutgoingReport{std::move(header.to), signed_mail(*mail)};
  };
}

ReportComposer file_composer() {
  return
      [](const AggregateReport& report, std::span<const AggregateRecord> records, const SendEntry&,
         const std::vector<ReportAddress>& recipients) -> Result<OutgoingReport> {
        OutgoingReport file{{}, packed(report, records)};
        for (const ReportAddress& one : recipients) file.recipients.push_back(one.mailbox);
        return file;
      };
}

}  // namespace authmilter::tools
