#include <algorithm>

#include "read_reports.h"

// A file or a mail with reports in it: MIME, base64, gzip, zip, and all that is in them. Something
// is said of each, what is kept has clean texts, and the same once more is a duplicate.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  ReportLimits limits;
  limits.unpacked_octets = 4U << 20U;  // so that bombs are quick
  WrittenReports written;
  const auto outcomes = read_reports(input.text(), limits, written);
  fuzz::require_outcomes(outcomes);
  require(outcomes.size() <= limits.reports, "reports are bounded");
  for (const auto& aggregate : written.aggregate) fuzz::require_aggregate(aggregate);
  for (const FailureReport& failure : written.failures) {
    require(failure.incidents > 0, "a failure happened");
    for (const std::string* text : {&failure.original_subject, &failure.original_from,
                                    &failure.dkim_domain, &failure.original_mail_from}) {
      fuzz::require_text(*text, 255);
    }
  }
  const auto stored = [](const std::vector<ReportOutcome>& all) {
    return std::count_if(all.begin(), all.end(), [](const ReportOutcome& outcome) {
      return outcome.status == ReportOutcome::Status::stored && outcome.kind != ReportKind::failure;
    });
  };
  require(
      static_cast<std::size_t>(stored(outcomes)) == written.aggregate.size() + written.tls.size(),
      "what is stored is in the store");
  require(stored(read_reports(input.text(), limits, written)) == 0, "the same twice counts once");
  return 0;
}
