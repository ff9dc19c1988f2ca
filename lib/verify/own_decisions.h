#pragma once

#include <string>
#include <vector>

#include <authmilter/findings.h>
#include <authmilter/policy.h>
#include <authmilter/recording_resolver.h>

namespace authmilter {

// What becomes of a message by what happened here, whatever was found out about it.

/// Answers for which there was no room might have made another decision.
bool needs_missing_answers(const Decision& decision, const Findings& findings,
                           const std::vector<RecordingResolver::Entry>& lookups);

/// What was not asked because there was no room is not the sender's fault and not the DNS's:
/// nothing that is configured for those may let the message through. RFC 3463 section 3.4: X.3.2,
/// the system is not accepting messages.
Decision overloaded();

/// Unsealed it might be refused where it goes: it waits at the sender. RFC 3463 section 3.8: X.7.5,
/// cryptographic failure.
Decision unsealable(const std::string& fault);

/// `excess`: which limit, by how much.
Decision header_too_large(const std::string& excess);

}  // namespace authmilter
