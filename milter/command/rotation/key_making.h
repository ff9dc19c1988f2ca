#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/key_states.h>
#include <authmilter/result.h>
#include <authmilter/rotation.h>

namespace authmilter::tools {

struct RotateOptions {
  std::int64_t now = 0;
  std::vector<KeyType> types;  // empty: those that the domain has
};

/// What became of a domain's rotation.
struct Rotated {
  DomainKeys keys;
  std::vector<Selector> made;
  std::string skipped;  // why nothing was made; empty when something was
};

/// Makes the next keys of a domain: files, state, configuration. Nothing of them is left where any
/// step fails. The state is there before the configuration names a key, so that no daemon signs
/// with one whose record is not published. The caller holds the lock.
Result<Rotated> rotate_domain(const Config& config, const SigningDomainConfig& domain,
                              const KeyStateFiles& states, const RotateOptions& options);

/// Takes a key out of the configuration and the state, and its private half away: deleted, or laid
/// open where rotation.publish_retired says.
Status drop_key(const Config& config, const SigningDomainConfig& domain,
                const KeyStateFiles& states, DomainKeys keys, const Selector& selector);

}  // namespace authmilter::tools
