#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <authmilter/audit_survey_view.h>

#include "audit_views/report_parts.h"
#include "page/page_text.h"

namespace authmilter {
namespace {

constexpr std::size_t kBar = 20;        // characters
constexpr std::size_t kSelectors = 20;  // that are shown

std::string bar(std::uint64_t part, std::uint64_t all) {
  const std::size_t full =
      all == 0 ? 0 : std::min<std::size_t>(kBar, (part * kBar + all / 2) / all);
  return std::string(full, '#') + std::string(kBar - full, ' ');
}

std::string counted(std::string_view title, std::uint64_t count, std::uint64_t all) {
  return fmt::format("  {:>9} {:>8}  {} {}\n", grouped(count), survey_share(count, all),
                     bar(count, all), title);
}

}  // namespace

std::string survey_share(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return "-";
  if (part == 0 || part == all) return part == 0 ? "0 %" : "100 %";
  const double share = 100.0 * static_cast<double>(part) / static_cast<double>(all);
  return fmt::format("{:.1f} %", std::clamp(share, 0.1, 99.9));
}

std::string survey_text(const SurveyReport& report) {
  const SurveySummary& summary = report.summary;
  const std::uint64_t all = summary.domains();
  std::string text = fmt::format("Survey of {} domains, {}\n\nOf all domains\n", grouped(all),
                                 minute_text(report.header.time));
  for (const SurveyFigure& figure : survey_figures())
    text += counted(figure.title, summary.count(figure), all);
  for (std::size_t i = 0; i < survey_questions().size(); ++i) {
    const SurveyQuestion& question = survey_questions()[i];
    text += fmt::format("\n{}\n", question.title);
    for (std::size_t choice = 0; choice < question.choices.size(); ++choice)
      text += counted(question.choices[choice].title, summary.count(i, choice), all);
  }
  const auto selectors = summary.selectors();
  if (!selectors.empty()) text += "\nSelectors with a key\n";
  for (std::size_t i = 0; i < std::min(kSelectors, selectors.size()); ++i)
    text += counted(selectors[i].first, selectors[i].second, all);
  if (selectors.size() > kSelectors)
    text += fmt::format("  and {} more\n", selectors.size() - kSelectors);

  const auto checks = summary.checks();
  if (!checks.empty()) {
    text += fmt::format("\nChecks\n  {:>9} {:>9} {:>9}\n", "to mend", "to look", "not known");
  }
  for (const auto& [rule, sums] : checks) {
    const auto of = [&, &sums = sums](CheckStatus status) {
      const auto found = sums.find(status);
      return grouped(found == sums.end() ? 0 : found->second);
    };
    text += fmt::format("  {:>9} {:>9} {:>9}  {} ({})\n", of(CheckStatus::fail),
                        of(CheckStatus::warn), of(CheckStatus::unknown), rule->title, rule->id);
  }
  return text;
}

}  // namespace authmilter
