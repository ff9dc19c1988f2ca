#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/audit_survey.h>

namespace authmilter {

/// One bar of a plot.
struct SurveyBar {
  std::string title;
  SurveyChoice::Kind kind;
  std::uint64_t count;
};

/// Bars one below the other as a picture (SVG) in a page, each with its name and share; `title`
/// and the numbers are its text alternative.
std::string survey_plot(std::string_view title, const std::vector<SurveyBar>& bars,
                        std::uint64_t all);

extern const std::string_view kSurveyStyle;  // beside that of an audit's page

}  // namespace authmilter
