#pragma once

#include <string>
#include <vector>

#include <authmilter/audit_facts.h>

namespace authmilter {

/// Under which of the selectors that were asked for a domain has a key (RFC 6376 section 3.6.1).
struct SurveyKeys {
  std::vector<std::string> selectors;  // none of them where every name has one
  bool every_name = false;             // a wildcard: one that nobody has answers too
  bool undecided = false;              // some were not answered for
};
SurveyKeys find_survey_keys(const DomainFacts& facts, Resolver& dns);

}  // namespace authmilter
