#pragma once

#include <authmilter/policy.h>

namespace authmilter {

/// The SPF result that policy looks at: the MAIL FROM identity's (RFC 7208 section 2.4), else the
/// first there is; null when SPF did not run. A separate HELO result is reported only: hosts' names
/// are often covered by a wildcard record that was meant for mailboxes.
const SpfOutcome* deciding_spf(const Findings& findings);

}  // namespace authmilter
