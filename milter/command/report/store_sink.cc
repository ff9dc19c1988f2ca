#include "report/store_sink.h"

namespace authmilter::tools {
namespace {

template <class Value>
Result<Value> plain(StoreResult<Value> result) {
  if (!result) return Error{result.error().message};
  return std::move(*result);
}

}  // namespace

Result<Kept> StoreSink::begin(const AggregateReport& report, const ReportMail& mail) {
  auto intake = store_.take(report, report_origin(mail, report.metadata.email, ours_, now_));
  if (!intake) return Error{intake.error().message};
  intake_ = std::move(*intake);
  return intake_ ? Kept::stored : Kept::duplicate;
}

Status StoreSink::record(const AggregateRecord& record) { return plain(intake_->record(record)); }

Result<Kept> StoreSink::end() {
  const auto intake = std::move(intake_);
  return plain(intake->finish());
}

Result<Kept> StoreSink::keep(const TlsReport& report, const ReportMail& mail) {
  return plain(store_.keep(report, report_origin(mail, report.contact_info, ours_, now_)));
}

Result<Kept> StoreSink::keep(const FailureReport& report, const ReportMail& mail) {
  // It names no organization but by its mail.
  return plain(store_.keep(report, report_origin(mail, "", ours_, now_)));
}

Result<Kept> CheckSink::begin(const AggregateReport& report, const ReportMail&) {
  const ReportMetadata& metadata = report.metadata;
  name_ =
      metadata.org_name + "\n" + metadata.report_id + "\n" + report.policy_published.domain.text();
  return names_.count(name_) > 0 ? Kept::duplicate : Kept::stored;
}

Result<Kept> CheckSink::keep(const TlsReport& report, const ReportMail&) {
  name_ = report.organization_name + "\n" + report.report_id + "\ntls";
  return kept();
}

Result<Kept> CheckSink::keep(const FailureReport&, const ReportMail& mail) {
  name_ = mail.message_id + "\nfailure";
  return mail.message_id.empty() ? Kept::stored : kept();
}

}  // namespace authmilter::tools
