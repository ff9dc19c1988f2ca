#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <authmilter/policy.h>

namespace authmilter {

/// The overrides that would apply if the signatures held that the DNS leaves undecided.
struct UndecidedOverrides {
  std::vector<const PolicyOverride*> rules;  // as of PolicyOverrides::in_force()
  std::size_t first;                         // the place of the first that rests on `signature`
  const DkimOutcome* signature;              // of the findings
};

/// Nothing where none rests on such a signature. What it gives borrows from both. Pure.
std::optional<UndecidedOverrides> undecided_overrides(const Findings& findings,
                                                      const PolicyOverrides& overrides);

}  // namespace authmilter
