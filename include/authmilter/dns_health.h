#pragma once

#include <string>

#include <authmilter/resolver.h>
#include <authmilter/result.h>

namespace authmilter {

/// One line for the operator about the upstream, when there is something to say ("nameservers strip
/// DNSSEC signatures"); each is given once. Empty otherwise, and for other resolvers than that of
/// make_unbound_resolver(). Thread-safe.
std::string dnssec_notice(const Resolver& resolver);

/// Whether a resolver of make_unbound_resolver() validates answers now: `undecided` as long as
/// `DnssecMode::automatic` has not found out whether it can. Others do not. Thread-safe.
enum class ValidationStatus : std::uint8_t { off, undecided, on };
ValidationStatus validation_status(const Resolver& resolver);

/// At a reload: reads the trust anchor again and the system's list of name servers, and, where
/// validation is automatic, finds out anew whether it can work. A trust anchor that has become
/// unusable is an error where validation is demanded; otherwise the old one stays in force, and a
/// notice says so. Does nothing for other resolvers. Thread-safe.
Status renew_upstream(Resolver& resolver);

}  // namespace authmilter
