#include "reports/aggregate_reader.h"

#include "read_reports.h"

// The XML of an aggregate report (RFC 9990, RFC 7489): what is read has clean texts; written, it is
// read without a complaint, and written once more it is the same.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  WrittenReports first;
  TextSource source(input.text());
  const ReportOutcome outcome = read_aggregate_report(source, {}, first, {});
  require((outcome.status == ReportOutcome::Status::stored) == (first.aggregate.size() == 1),
          "it is kept whole or not at all");
  if (first.aggregate.empty()) {
    fuzz::require_text(outcome.reason);
    return 0;
  }
  fuzz::require_aggregate(first.aggregate[0]);
  const std::string packed = fuzz::written(first.aggregate[0]);
  WrittenReports second;
  const auto again = read_reports(packed, {}, second);
  require(again.size() == 1 && again[0].status == ReportOutcome::Status::stored,
          "what we write can be read");
  require(again[0].notes.empty(), "and there is nothing to mend in it");
  require(again[0].records == outcome.records && again[0].messages == outcome.messages,
          "no record and no message is lost");
  require(fuzz::written(second.aggregate[0]) == packed, "written once more, it is the same");
  return 0;
}
