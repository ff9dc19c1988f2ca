#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/key_states.h>
#include <authmilter/resolver.h>
#include <authmilter/rotation.h>
#include <authmilter/zone_watch.h>

#include "output/exit_status.h"

namespace authmilter::tools {

/// What a look has found of one domain.
struct Watched {
  std::vector<KeyEvent> events;
  std::string trouble;  // why there was no look; empty when there was one
  bool alarm = false;   // a record that is needed is not there, or the trouble
};

/// Whether a look changes anything: of a simulated time mostly not.
enum class Writing : std::uint8_t { nothing, state };

/// What all looks of a run have in common; borrowed.
struct Lookout {
  const Config& config;
  const KeyStateFiles& states;
  const KeyStateFiles::Uses& uses;
  ZoneWatch& zones;
  Resolver& resolver;
  Writing writing = Writing::state;
};

/// Looks at the records of a domain's keys and takes what it sees into the state, which is made
/// anew from what is published where it cannot be read. Another program may change the state while
/// the DNS is asked: that change stays.
Watched watch_domain(const Lookout& from, const SigningDomainConfig& domain, const Moment& now);

}  // namespace authmilter::tools
