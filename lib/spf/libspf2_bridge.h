#pragma once

#include <optional>

#include <authmilter/spf.h>

#include "spf/evaluation.h"

namespace authmilter::spf {

/// Lets libspf2 walk the record of the evaluation's domain: terms in order, includes, redirects,
/// comparison of addresses, result. It asks `evaluation` for everything, and sees nothing that a
/// sender wrote. Nothing when it could not come to a result. Thread-safe.
std::optional<SpfResult> walk(Evaluation& evaluation);

}  // namespace authmilter::spf
