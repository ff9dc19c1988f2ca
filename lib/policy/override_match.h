#pragma once

#include <vector>

#include <authmilter/policy.h>

namespace authmilter {

/// The overrides that apply to a message: for each recipient the first whose conditions all hold,
/// and null where none does. A recipient that cannot be read as a mailbox may be anybody, so for it
/// there is everything that could apply. Each is there once; never empty.
std::vector<const PolicyOverride*> overrides_in_force(const Findings& findings,
                                                      const std::vector<PolicyOverride>& overrides);

}  // namespace authmilter
