#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/audit.h>

namespace authmilter {

/// How a domain may be, and whether that is as it should be.
struct SurveyChoice {
  enum class Kind : std::uint8_t { good, fair, bad, unknown };
  std::string_view id;     // "hard-fail": stable
  std::string_view title;  // "others are refused (-all)"
  Kind kind;
};

/// What a survey asks of each domain: each has exactly one of the choices.
struct SurveyQuestion {
  std::string_view id;  // "spf": stable
  std::string_view title;
  std::span<const SurveyChoice> choices;
  /// Which of them, by the facts alone.
  std::size_t (*choose)(const DomainFacts& facts, Resolver& dns);
};
std::span<const SurveyQuestion> survey_questions();

/// A share that people ask for first: domains with one of some choices.
struct SurveyFigure {
  std::string_view id;  // "dmarc-enforcing": stable
  std::string_view title;
  std::string_view question;
  std::string_view choices;  // ids with blanks between them
};
std::span<const SurveyFigure> survey_figures();

/// What a survey keeps of one domain.
struct SurveyRow {
  DomainName domain;
  std::vector<std::size_t> choices;    // one for each question
  std::vector<std::string> selectors;  // that have a key
  std::vector<std::pair<const AuditRule*, CheckStatus>> checks;

  const SurveyChoice& choice(std::size_t question) const {
    return survey_questions()[question].choices[choices[question]];
  }
  std::size_t count(CheckStatus status) const;  // of the checks
};
SurveyRow survey_row(const DomainFacts& facts, const DomainAudit& audit);

/// SHA-256 of a file of facts whose lines come one after the other.
class FactsDigest {
 public:
  FactsDigest();
  ~FactsDigest();
  FactsDigest(FactsDigest&&) noexcept;
  FactsDigest& operator=(FactsDigest&&) noexcept;
  /// `line` with or without its end.
  void add(std::string_view line);
  /// In hexadecimal; once, at the end.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The sums of a survey, whose size does not depend on how many domains there are.
class SurveySummary {
 public:
  using StatusSums = std::map<CheckStatus, std::uint64_t>;

  SurveySummary();
  void add(const SurveyRow& row);

  std::uint64_t domains() const { return domains_; }
  /// Domains with a choice of a question, both by their places.
  std::uint64_t count(std::size_t question, std::size_t choice) const {
    return counts_[question][choice];
  }
  std::uint64_t count(const SurveyFigure& figure) const;
  /// Domains in which a selector has a key, the most frequent first. Selectors beyond the first
  /// thousand different ones are left out.
  std::vector<std::pair<std::string, std::uint64_t>> selectors() const;
  /// What checks came to, in the order of the rules; those alone that applied somewhere.
  std::vector<std::pair<const AuditRule*, StatusSums>> checks() const;

 private:
  std::uint64_t domains_ = 0;
  std::vector<std::vector<std::uint64_t>> counts_;
  std::map<std::string, std::uint64_t> selectors_;
  std::map<const AuditRule*, StatusSums> checks_;
};

}  // namespace authmilter
