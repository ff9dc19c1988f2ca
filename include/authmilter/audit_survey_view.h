#pragma once

#include <cstdint>
#include <string>

#include <authmilter/audit_survey.h>

namespace authmilter {

/// What the report of a survey is made of. Borrowed.
struct SurveyReport {
  const AuditHeader& header;
  const AuditProfile& profile;
  const SurveySummary& summary;
  std::string facts_sha256;  // hexadecimal, of the file of facts; empty: it is not kept
};

/// "41.2 %"; nothing is rounded to all or none.
std::string survey_share(std::uint64_t part, std::uint64_t all);

std::string survey_text(const SurveyReport& report);
std::string survey_json(const SurveyReport& report);
/// One self-contained page for screen and A4: plots with a table beside each, no script.
std::string survey_html(const SurveyReport& report);

// A line a domain (RFC 4180): the id of its choice for each question, selectors that have a key,
// and how many checks came to what.
std::string survey_csv_heading();
std::string survey_csv_line(const SurveyRow& row);

}  // namespace authmilter
