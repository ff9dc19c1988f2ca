#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <authmilter/audit_survey_view.h>

#include "audit_views/report_parts.h"
#include "page/page_text.h"

namespace authmilter {
namespace {

std::string json_of(std::string_view text) { return json_text(valid_utf8(text)); }

/// Of all domains, with enough digits to count back.
std::string percent(std::uint64_t part, std::uint64_t all) {
  const double share = all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
  return fmt::format("{:.3f}", share);
}

std::string list_of(const std::vector<std::string>& values, std::string_view indent) {
  std::string list = "[";
  for (const std::string& value : values)
    list += fmt::format("{}\n{}  {}", list.size() == 1 ? "" : ",", indent, value);
  return list + fmt::format("\n{}]", indent);
}

std::string counted(std::string_view id, std::string_view title, std::uint64_t count,
                    std::uint64_t all) {
  return fmt::format("{{\"id\": {}, \"title\": {}, \"count\": {}, \"percent\": {}}}", json_of(id),
                     json_of(title), count, percent(count, all));
}

}  // namespace

std::string survey_json(const SurveyReport& report) {
  const SurveySummary& summary = report.summary;
  std::vector<std::string> figures, questions, selectors, checks;
  for (const SurveyFigure& figure : survey_figures())
    figures.push_back(counted(figure.id, figure.title, summary.count(figure), summary.domains()));
  for (std::size_t i = 0; i < survey_questions().size(); ++i) {
    const SurveyQuestion& question = survey_questions()[i];
    std::vector<std::string> choices;
    for (std::size_t choice = 0; choice < question.choices.size(); ++choice) {
      choices.push_back(counted(question.choices[choice].id, question.choices[choice].title,
                                summary.count(i, choice), summary.domains()));
    }
    questions.push_back(fmt::format("{{\"id\": {}, \"title\": {}, \"choices\": {}}}",
                                    json_of(question.id), json_of(question.title),
                                    list_of(choices, "    ")));
  }
  for (const auto& [selector, count] : summary.selectors()) {
    selectors.push_back(fmt::format("{{\"selector\": {}, \"count\": {}, \"percent\": {}}}",
                                    json_of(selector), count, percent(count, summary.domains())));
  }
  for (const auto& [rule, sums] : summary.checks()) {
    std::string line = fmt::format("{{\"id\": {}", json_of(rule->id));
    for (const auto& [status, count] : sums)
      line += fmt::format(", {}: {}", json_of(to_string(status)), count);
    checks.push_back(line + "}");
  }
  return fmt::format(
      "{{\n  \"domains\": {},\n  \"time\": {},\n  \"program\": {},\n  \"resolver\": {},\n"
      "  \"profile\": {},\n  \"facts_sha256\": {},\n  \"figures\": {},\n  \"questions\": {},\n"
      "  \"selectors\": {},\n  \"checks\": {}\n}}\n",
      summary.domains(), json_of(instant_text(report.header.time)), json_of(report.header.program),
      json_of(report.header.resolver), json_of(report.profile.name), json_of(report.facts_sha256),
      list_of(figures, "  "), list_of(questions, "  "), list_of(selectors, "  "),
      list_of(checks, "  "));
}

}  // namespace authmilter
