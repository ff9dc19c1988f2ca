#include "report_views/reporters.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace authmilter {

std::vector<Reporter> reporters_of(const std::vector<ReceivedReport>& reports) {
  std::map<std::pair<std::string, ReportKind>, Reporter> sums;
  for (const ReceivedReport& report : reports) {
    Reporter& sum = sums[{report.organization, report.kind}];
    ++sum.reports;
    sum.messages += report.messages;
    if (report.from.doubtful) ++sum.doubtful;
    sum.last = std::max(sum.last, report.end);
  }
  std::vector<Reporter> sorted;
  for (auto& [key, sum] : sums) {
    std::tie(sum.organization, sum.kind) = key;
    sorted.push_back(std::move(sum));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Reporter& a, const Reporter& b) { return a.reports > b.reports; });
  return sorted;
}

}  // namespace authmilter
