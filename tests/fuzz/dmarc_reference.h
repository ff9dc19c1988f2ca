#pragma once

#include <span>

#include <authmilter/dmarc.h>

namespace authmilter::fuzz {

/// evaluate_dmarc() written down a second time from RFC 9989 sections 4.10 and 5.3, on our record
/// parser but without anything else of ours, for a DNS without faults. Of the outcome it fills the
/// result, the policy with its tag, and the domains.
DmarcOutcome reference_dmarc(const DomainName& author,
                             std::span<const AuthenticatedIdentifier> identifiers,
                             Resolver& resolver);

}  // namespace authmilter::fuzz
