#pragma once

#include <optional>

#include <authmilter/spf.h>

namespace authmilter::fuzz {

/// check_host() written down a second time, straight from RFC 7208 section 4 and by recursion, on
/// our grammar and macros but without libspf2. `outcome` is what is to be compared: it says which
/// domain was checked. Nothing where nothing was.
std::optional<SpfResult> reference_check_host(const SpfRequest& request, const SpfOutcome& outcome,
                                              Resolver& resolver);

}  // namespace authmilter::fuzz
