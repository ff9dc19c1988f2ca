#pragma once

#include <authmilter/policy.h>

namespace authmilter {

/// True when every condition that the override names holds for the message. Nothing that could not
/// be parsed matches anything.
bool applies(const PolicyOverride& rule, const Findings& findings);

}  // namespace authmilter
