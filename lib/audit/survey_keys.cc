#include "audit/survey_keys.h"

#include "audit/selector_names.h"
#include "signature/key_lookup.h"

namespace authmilter {

SurveyKeys find_survey_keys(const DomainFacts& facts, Resolver& dns) {
  SurveyKeys found;
  const auto has_key = [&](std::string_view selector) {
    const auto name = key_name(selector, facts.domain);
    if (!name) return false;
    const KeyLookup lookup = look_up_keys(*name, dns);
    if (lookup.failed) found.undecided = true;
    return !lookup.keys().empty();
  };
  for (const SelectorFact& one : facts.selectors) {
    if (has_key(one.selector)) found.selectors.push_back(one.selector);
  }
  if (!found.selectors.empty() && has_key(kMadeUpSelector)) {
    found.selectors.clear();
    found.every_name = true;
  }
  return found;
}

}  // namespace authmilter
