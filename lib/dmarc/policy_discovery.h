#pragma once

#include <cstdint>
#include <optional>

#include <authmilter/dmarc.h>

#include "dmarc/organizational_domain.h"
#include "dmarc/tree_walk.h"

namespace authmilter {

/// The policy that applies to an Author Domain (RFC 9989 section 4.10.1).
struct DiscoveredPolicy {
  enum class State : std::uint8_t { found, no_record, no_usable_policy, temperror };
  State state = State::no_record;
  std::optional<FailedLookup> failed;  // of a temperror, or of what is undecided
  const WalkNode* source = nullptr;    // of found and no_usable_policy: the DMARC Policy Domain
  AssessmentPolicy published = AssessmentPolicy::none;
  AssessmentPolicy applies = AssessmentPolicy::none;  // one step lower with t=y
  std::optional<PolicyTag> tag;                       // that gave it; only of found
  /// Whether the Author Domain exists could not be found out, and the two policies differ: the
  /// stricter one stands above, but it is not known to apply. `failed` says why.
  bool undecided = false;
};

/// `walk` is the Author Domain's, `organizational_domain` what was selected from it. Asks for the
/// Author Domain itself only when that makes a difference.
DiscoveredPolicy discover_policy(const TreeWalk& walk,
                                 const OrganizationalDomain& organizational_domain,
                                 Resolver& resolver);

}  // namespace authmilter
