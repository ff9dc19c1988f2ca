#include <algorithm>

#include <authmilter/audit_survey.h>

#include <fmt/format.h>

#include "audit/survey_keys.h"
#include "base/word_list.h"
#include "crypto/sha256_stream.h"

namespace authmilter {
namespace {

// Domains of a list name none themselves, but administrators may give some, and reports hold what
// strangers write.
constexpr std::size_t kMostSelectors = 1000;

}  // namespace

std::size_t SurveyRow::count(CheckStatus status) const {
  return static_cast<std::size_t>(std::count_if(
      checks.begin(), checks.end(), [&](const auto& check) { return check.second == status; }));
}

SurveyRow survey_row(const DomainFacts& facts, const DomainAudit& audit) {
  FactsResolver dns(facts.dns);
  SurveyRow row{facts.domain, {}, find_survey_keys(facts, dns).selectors, {}};
  for (const SurveyQuestion& question : survey_questions())
    row.choices.push_back(question.choose(facts, dns));
  for (const AuditCheck& check : audit.checks) row.checks.emplace_back(check.rule, check.status);
  return row;
}

struct FactsDigest::State {
  Sha256Stream stream;
};

FactsDigest::FactsDigest() : state_(std::make_unique<State>()) {}
FactsDigest::~FactsDigest() = default;
FactsDigest::FactsDigest(FactsDigest&&) noexcept = default;
FactsDigest& FactsDigest::operator=(FactsDigest&&) noexcept = default;

void FactsDigest::add(std::string_view line) {
  state_->stream.update(line);
  if (!line.ends_with('\n')) state_->stream.update("\n");
}

std::string FactsDigest::finish() {
  std::string digits;
  for (const std::uint8_t octet : state_->stream.finish()) digits += fmt::format("{:02x}", octet);
  return digits;
}

SurveySummary::SurveySummary() {
  for (const SurveyQuestion& question : survey_questions())
    counts_.emplace_back(question.choices.size());
}

void SurveySummary::add(const SurveyRow& row) {
  ++domains_;
  for (std::size_t i = 0; i < counts_.size(); ++i) ++counts_[i][row.choices[i]];
  for (const std::string& selector : row.selectors) {
    if (selectors_.size() < kMostSelectors || selectors_.contains(selector)) ++selectors_[selector];
  }
  for (const auto& [rule, status] : row.checks) ++checks_[rule][status];
}

std::uint64_t SurveySummary::count(const SurveyFigure& figure) const {
  std::uint64_t sum = 0;
  const auto questions = survey_questions();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (questions[i].id != figure.question) continue;
    for (std::size_t choice = 0; choice < questions[i].choices.size(); ++choice) {
      if (has_word(figure.choices, questions[i].choices[choice].id)) sum += counts_[i][choice];
    }
  }
  return sum;
}

std::vector<std::pair<std::string, std::uint64_t>> SurveySummary::selectors() const {
  std::vector<std::pair<std::string, std::uint64_t>> sorted(selectors_.begin(), selectors_.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& one, const auto& other) { return one.second > other.second; });
  return sorted;
}

std::vector<std::pair<const AuditRule*, SurveySummary::StatusSums>> SurveySummary::checks() const {
  std::vector<std::pair<const AuditRule*, StatusSums>> sums;
  for (const AuditRule* rule : audit_rules()) {
    if (const auto found = checks_.find(rule); found != checks_.end()) sums.emplace_back(*found);
  }
  return sums;
}

}  // namespace authmilter
