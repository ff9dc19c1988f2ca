#pragma once

#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/key_ring.h>
#include <authmilter/result.h>
#include <authmilter/rotation.h>

#include "options/common_options.h"

namespace authmilter::tools {

/// The configured domains of these names, in the configuration's order; all where none is named.
/// An error for a name that is not configured.
Result<std::vector<const SigningDomainConfig*>> chosen_domains(
    const Config& config, const std::vector<std::string>& names);

/// The keys of one domain alone, read from where they are kept.
Result<std::shared_ptr<const KeyRing>> keys_of(const SigningDomainConfig& domain);

/// What is known of a configured key without a state: that it signs.
KeyLife life_of(const SigningKey& key, const SigningKeyConfig& config, std::int64_t now);

/// The time that was given, or this host's with what no change of its clock moves.
Moment moment_of(const TimeOption& time);

}  // namespace authmilter::tools
