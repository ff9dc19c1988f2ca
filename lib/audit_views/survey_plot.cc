#include "audit_views/survey_plot.h"

#include <algorithm>

#include <fmt/format.h>

#include <authmilter/audit_survey_view.h>

#include "page/page_text.h"

namespace authmilter {
namespace {

// In units of the picture, which is as wide as its place.
constexpr int kWidth = 480, kRow = 42, kText = 15, kBarTop = 21, kBarHeight = 13, kShare = 64;
constexpr int kBarWidth = kWidth - kShare;

std::string safe(std::string_view text) { return html_text(valid_utf8(text)); }

std::string_view style_of(SurveyChoice::Kind kind) {
  switch (kind) {
    case SurveyChoice::Kind::good:
      return "k-good";
    case SurveyChoice::Kind::fair:
      return "k-fair";
    case SurveyChoice::Kind::bad:
      return "k-bad";
    case SurveyChoice::Kind::unknown:
      return "k-unknown";
  }
  return "k-unknown";
}

}  // namespace

const std::string_view kSurveyStyle = R"css(
.question { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem 2rem; align-items: start;
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; }
.question table { border: 0; margin: 0; }
.plot { margin: 0; min-width: 0; }
.plot svg { display: block; width: 100%; height: auto; max-width: 36rem; }
.plot text { fill: var(--ink); font-size: 14px; font-family: inherit; }
.plot .share { text-anchor: end; font-variant-numeric: tabular-nums; }
.plot .rail { fill: var(--line); opacity: .5; }
.k-good { fill: var(--pass); } .k-fair { fill: var(--warn); } .k-bad { fill: var(--fail); }
.k-unknown { fill: var(--unknown); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .5rem 0 1rem; padding: 0; font-size: .9rem; }
.legend svg { width: .9em; height: .9em; vertical-align: -.1em; }
@media screen and (max-width: 60rem) { .question { grid-template-columns: minmax(0, 1fr); } }
@media screen and (max-width: 44rem) {
  td.n { display: inline-block; text-align: left; }
  td.n::before { content: attr(data-name) " "; color: var(--soft); font-size: .85em; }
}
@media print { .question { break-inside: avoid; padding: .5rem; } }
)css";

std::string survey_plot(std::string_view title, const std::vector<SurveyBar>& bars,
                        std::uint64_t all) {
  std::string numbers, drawn;
  int y = 0;
  for (const SurveyBar& bar : bars) {
    const std::string share = survey_share(bar.count, all);
    const std::uint64_t width =
        all == 0 ? 0 : static_cast<std::uint64_t>(kBarWidth) * std::min(bar.count, all) / all;
    numbers += fmt::format("{}{}: {}", numbers.empty() ? "" : "; ", bar.title, share);
    drawn += fmt::format(
        "<text x=\"0\" y=\"{}\">{}</text><rect class=\"rail\" x=\"0\" y=\"{}\" width=\"{}\" "
        "height=\"{}\"/>",
        y + kText, safe(bar.title), y + kBarTop, kBarWidth, kBarHeight);
    // What is there at all is seen.
    if (bar.count > 0) {
      drawn += fmt::format("<rect class=\"{}\" x=\"0\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                           style_of(bar.kind), y + kBarTop, std::max<std::uint64_t>(width, 1),
                           kBarHeight);
    }
    drawn += fmt::format("<text class=\"share\" x=\"{}\" y=\"{}\">{}</text>\n", kWidth,
                         y + kBarTop + kBarHeight - 1, share);
    y += kRow;
  }
  return fmt::format(
      "<figure class=\"plot\"><svg role=\"img\" viewBox=\"0 0 {} {}\" "
      "aria-label=\"{}. {}\">\n{}</svg></figure>\n",
      kWidth, y, safe(title), safe(numbers), drawn);
}

}  // namespace authmilter
