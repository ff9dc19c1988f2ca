#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/audit_survey_view.h>

#include "audit_views/page_style.h"
#include "audit_views/report_parts.h"
#include "audit_views/survey_plot.h"
#include "page/page_text.h"

namespace authmilter {
namespace {

constexpr std::size_t kMostBars = 12;  // of checks and selectors; their tables have all

std::string safe(std::string_view text) { return html_text(valid_utf8(text)); }

// Roles are told, though they are those of the elements: where a narrow screen has rows one below
// the other, browsers forget that they were a table.

std::string survey_table_begin(std::string_view caption, const std::vector<std::string>& columns) {
  std::string html = fmt::format(
      "<table role=\"table\"><caption>{}</caption><thead role=\"rowgroup\"><tr role=\"row\">",
      safe(caption));
  for (std::size_t i = 0; i < columns.size(); ++i)
    html += fmt::format("<th role=\"columnheader\" scope=\"col\"{}>{}</th>",
                        i == 0 ? "" : " class=\"n\"", safe(columns[i]));
  return html + "</tr></thead><tbody role=\"rowgroup\">\n";
}

using Numbers = std::vector<std::pair<std::string_view, std::string>>;

/// Each number has the name of its column, for screens that are too narrow for headings.
std::string survey_row_html(const std::string& header, const Numbers& numbers) {
  std::string html = fmt::format(
      "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"seen\">{}</th>", header);
  for (const auto& [name, number] : numbers)
    html +=
        fmt::format("<td role=\"cell\" class=\"n\" data-name=\"{}\">{}</td>", name, safe(number));
  return html + "</tr>\n";
}

constexpr std::string_view kTableEnd = "</tbody></table>\n";

/// A plot and the table with its numbers.
std::string plot_and_table(std::string_view title, const std::vector<SurveyBar>& bars,
                           std::uint64_t all) {
  std::string html =
      "<div class=\"question\">" + survey_plot(title, bars, all) +
      survey_table_begin(std::string(title) + ", in numbers", {"", "Domains", "Share"});
  for (const SurveyBar& bar : bars)
    html += survey_row_html(safe(bar.title), {{"Domains", grouped(bar.count)},
                                              {"Share", survey_share(bar.count, all)}});
  return html + std::string(kTableEnd) + "</div>\n";
}

std::string section(std::string_view id, std::string_view title, const std::string& content) {
  return fmt::format("<section aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1}</h2>\n{2}</section>\n",
                     id, safe(title), content);
}

std::string figures_section(const SurveySummary& summary) {
  std::vector<SurveyBar> bars;
  for (const SurveyFigure& figure : survey_figures())
    bars.push_back({std::string(figure.title), SurveyChoice::Kind::good, summary.count(figure)});
  return section("figures", "At a glance",
                 plot_and_table("Of all domains", bars, summary.domains()));
}

std::string question_sections(const SurveySummary& summary) {
  std::string html;
  for (std::size_t i = 0; i < survey_questions().size(); ++i) {
    const SurveyQuestion& question = survey_questions()[i];
    std::vector<SurveyBar> bars;
    for (std::size_t choice = 0; choice < question.choices.size(); ++choice) {
      const SurveyChoice& one = question.choices[choice];
      bars.push_back({std::string(one.title), one.kind, summary.count(i, choice)});
    }
    html += section("q-" + std::string(question.id), question.title,
                    plot_and_table(question.title, bars, summary.domains()));
  }
  return html;
}

std::string selectors_section(const SurveySummary& summary) {
  const auto selectors = summary.selectors();
  if (selectors.empty()) return "";
  std::vector<SurveyBar> bars;
  for (const auto& [selector, count] : selectors) {
    if (bars.size() < kMostBars) bars.push_back({selector, SurveyChoice::Kind::good, count});
  }
  std::string html = "<div class=\"question\">" +
                     survey_plot("The most frequent selectors", bars, summary.domains()) +
                     survey_table_begin("All selectors with a key", {"", "Domains", "Share"});
  for (const auto& [selector, count] : selectors) {
    html += survey_row_html(safe(selector), {{"Domains", grouped(count)},
                                             {"Share", survey_share(count, summary.domains())}});
  }
  return section("selectors", "Selectors: names of keys", html + std::string(kTableEnd) + "</div>");
}

std::uint64_t count_of(const SurveySummary::StatusSums& sums, CheckStatus status) {
  const auto found = sums.find(status);
  return found == sums.end() ? 0 : found->second;
}

std::string checks_section(const SurveySummary& summary) {
  const auto checks = summary.checks();
  if (checks.empty()) return "";
  auto worst = checks;
  std::stable_sort(worst.begin(), worst.end(), [](const auto& one, const auto& other) {
    return count_of(one.second, CheckStatus::fail) > count_of(other.second, CheckStatus::fail);
  });
  std::vector<SurveyBar> bars;
  for (const auto& [rule, sums] : worst) {
    const std::uint64_t failed = count_of(sums, CheckStatus::fail);
    if (failed > 0 && bars.size() < kMostBars)
      bars.push_back({std::string(rule->title), SurveyChoice::Kind::bad, failed});
  }
  std::string html;
  if (!bars.empty())
    html += plot_and_table("What is to be mended most often", bars, summary.domains());
  html += survey_table_begin("All checks, and in how many domains they came to what",
                             {"Check", "To mend", "To look at", "Not known", "In order"});
  for (const auto& [rule, sums] : checks) {
    html += survey_row_html(safe(rule->title) + " <span class=\"id\">" + safe(rule->id) + "</span>",
                            {{"To mend", grouped(count_of(sums, CheckStatus::fail))},
                             {"To look at", grouped(count_of(sums, CheckStatus::warn))},
                             {"Not known", grouped(count_of(sums, CheckStatus::unknown))},
                             {"In order", grouped(count_of(sums, CheckStatus::pass) +
                                                  count_of(sums, CheckStatus::info))}});
  }
  return section("checks", "What is to be mended", html + std::string(kTableEnd));
}

std::string contents(const SurveySummary& summary) {
  std::string html = "<nav aria-label=\"Sections\"><ul>";
  const auto add = [&](std::string_view id, std::string_view title) {
    html += fmt::format("<li><a href=\"#{}\">{}</a></li>", id, safe(title));
  };
  add("figures", "At a glance");
  for (const SurveyQuestion& question : survey_questions())
    add("q-" + std::string(question.id), question.title.substr(0, question.title.find(':')));
  if (!summary.selectors().empty()) add("selectors", "Selectors");
  if (!summary.checks().empty()) add("checks", "What is to be mended");
  return html + "</ul></nav>\n";
}

constexpr std::string_view kLegend =
    "<ul class=\"legend\" aria-label=\"Colours of the bars\">"
    "<li><svg aria-hidden=\"true\" viewBox=\"0 0 1 1\"><rect class=\"k-good\" width=\"1\" "
    "height=\"1\"/></svg> as it should be</li>"
    "<li><svg aria-hidden=\"true\" viewBox=\"0 0 1 1\"><rect class=\"k-fair\" width=\"1\" "
    "height=\"1\"/></svg> could be better</li>"
    "<li><svg aria-hidden=\"true\" viewBox=\"0 0 1 1\"><rect class=\"k-bad\" width=\"1\" "
    "height=\"1\"/></svg> to be mended</li>"
    "<li><svg aria-hidden=\"true\" viewBox=\"0 0 1 1\"><rect class=\"k-unknown\" width=\"1\" "
    "height=\"1\"/></svg> not known</li></ul>\n";

}  // namespace

std::string survey_html(const SurveyReport& report) {
  const SurveySummary& summary = report.summary;
  const std::string title = fmt::format("Survey of {} domains", grouped(summary.domains()));
  const std::string style = audit_style() + std::string(kSurveyStyle);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}</title>\n<style>{}</style></head>\n<body>\n",
      content_security_policy(style, ""), title, style);
  html += fmt::format(
      "<a class=\"skip\" href=\"#main\">To the numbers</a>\n<header><h1>{}</h1>\n"
      "<p class=\"soft\">What they publish for mail, looked at on {}. Shares are of all "
      "domains.</p>\n{}</header>\n<main id=\"main\">\n{}",
      title, minute_text(report.header.time), contents(summary), kLegend);
  html += figures_section(summary) + question_sections(summary) + selectors_section(summary) +
          checks_section(summary);
  html +=
      "</main>\n<footer><p>A selector cannot be found out, only tried: a domain whose keys stand "
      "under other names is counted as one without. The facts can be judged again with "
      "<code>authmilter audit --survey --facts</code>.</p><dl>";
  const AuditReport provenance_of{report.header, report.profile, {}, report.facts_sha256};
  for (const auto& [name, value] : provenance(provenance_of))
    html += fmt::format("<dt>{}</dt><dd>{}</dd>", safe(name), safe(value));
  return html + "</dl></footer>\n</body></html>\n";
}

}  // namespace authmilter
