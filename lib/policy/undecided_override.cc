#include "policy/undecided_override.h"

#include <algorithm>
#include <utility>

namespace authmilter {
namespace {

bool rests_on(const PolicyOverride& rule, const DkimOutcome& signature, const Findings& findings) {
  return rule.dkim_domain.matches(signature.domain) ||
         std::any_of(rule.list.begin(), rule.list.end(), [&](const MailingList& list) {
           return findings.list_id == list.id && list.is_shown_by(signature);
         });
}

bool is_undecided(const DkimOutcome& signature) {
  return signature.result == DkimResult::temperror;
}

}  // namespace

std::optional<UndecidedOverrides> undecided_overrides(const Findings& findings,
                                                      const PolicyOverrides& overrides) {
  const auto& signatures = findings.dkim;
  // Most mail has none, and then nothing is copied.
  if (overrides.empty() || std::none_of(signatures.begin(), signatures.end(), is_undecided))
    return std::nullopt;
  Findings supposed = findings;
  for (DkimOutcome& signature : supposed.dkim) {
    if (is_undecided(signature)) signature.result = DkimResult::pass;
  }
  auto rules = overrides.in_force(supposed);
  for (const PolicyOverride* rule : rules) {
    if (rule == nullptr) continue;
    const auto signature =
        std::find_if(signatures.begin(), signatures.end(), [&](const DkimOutcome& one) {
          return is_undecided(one) && rests_on(*rule, one, findings);
        });
    if (signature == signatures.end()) continue;
    return UndecidedOverrides{std::move(rules), overrides.place_of(*rule), &*signature};
  }
  return std::nullopt;
}

}  // namespace authmilter
