#pragma once

#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/key_ring.h>
#include <authmilter/key_states.h>
#include <authmilter/result.h>
#include <authmilter/rotation.h>

#include "options/common_options.h"

namespace authmilter::tools {

/// The configured domains of these names, in the configuration's order; all where none is named.
/// An error for a name that is not configured.
Result<std::vector<const SigningDomainConfig*>> chosen_domains(
    const Config& config, const std::vector<std::string>& names);

/// The keys of one domain alone, read from where they are kept, in the order of the configuration.
Result<std::vector<SigningKey>> keys_of(const Config& config, const SigningDomainConfig& domain);

/// What is known of a configured key without a state: that it signs. An error while its token is
/// away.
Result<KeyLife> life_of(const SigningKey& key, const SigningKeyConfig& config, std::int64_t now);

/// With the days on which the keys were used, where those are later than the state's.
void take_uses(DomainKeys& keys, const KeyStateFiles::Uses& uses);

/// The time that was given, or this host's with what no change of its clock moves; without that
/// where the system does not say it.
Moment moment_of(const TimeOption& time);

}  // namespace authmilter::tools
