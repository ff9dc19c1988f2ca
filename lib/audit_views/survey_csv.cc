#include <string>
#include <string_view>
#include <vector>

#include <authmilter/audit_survey_view.h>

#include "page/page_text.h"

namespace authmilter {
namespace {

constexpr CheckStatus kStatuses[] = {CheckStatus::fail, CheckStatus::warn, CheckStatus::unknown,
                                     CheckStatus::info, CheckStatus::pass};

std::string csv_line(const std::vector<std::string>& fields) {
  std::string text;
  for (const std::string& field : fields) text += (text.empty() ? "" : ",") + csv_field(field);
  return text + "\r\n";  // RFC 4180 section 2
}

}  // namespace

std::string survey_csv_heading() {
  std::vector<std::string> fields{"domain"};
  for (const SurveyQuestion& question : survey_questions()) fields.emplace_back(question.id);
  fields.emplace_back("selectors");
  for (const CheckStatus status : kStatuses) fields.emplace_back(to_string(status));
  return csv_line(fields);
}

std::string survey_csv_line(const SurveyRow& row) {
  std::vector<std::string> fields{row.domain.text()};
  for (std::size_t i = 0; i < row.choices.size(); ++i) fields.emplace_back(row.choice(i).id);
  std::string selectors;
  for (const std::string& selector : row.selectors)
    selectors += (selectors.empty() ? "" : " ") + valid_utf8(selector);
  fields.push_back(selectors);
  for (const CheckStatus status : kStatuses) fields.push_back(std::to_string(row.count(status)));
  return csv_line(fields);
}

}  // namespace authmilter
