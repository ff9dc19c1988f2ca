#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <authmilter/report_store.h>

namespace authmilter {

/// Who reports to us, by one kind of report, and how much.
struct Reporter {
  std::string organization;
  ReportKind kind = ReportKind::aggregate;
  std::uint64_t reports = 0, messages = 0;
  std::uint64_t doubtful = 0;  // of the reports
  std::int64_t last = 0;       // the latest end of a period, seconds since 1970
};

/// Most reports first, those that have as many by their names.
std::vector<Reporter> reporters_of(const std::vector<ReceivedReport>& reports);

}  // namespace authmilter
