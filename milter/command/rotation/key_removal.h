#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/key_states.h>
#include <authmilter/result.h>
#include <authmilter/rotation.h>

namespace authmilter::tools {

/// What becomes of a private key that is not used any more: laid open means that a copy for
/// everybody goes to rotation.publish_retired first, where that is set.
enum class PrivateHalf : std::uint8_t { deleted, laid_open };

/// For key.state: one that waits has signed nothing that somebody could want to deny, and one whose
/// record may be in some cache must stay secret.
PrivateHalf end_of(const KeyLife& key);

/// Takes a key's file away, as the user whose it is. A file that other keys of the configuration
/// use, by whatever name, stays, and what is returned says so; otherwise it is empty.
Result<std::string> take_away(const Config& config, const SigningDomainConfig& domain,
                              const KeyLife& key, const std::string& file, PrivateHalf end);

/// Takes a key out of the configuration, its private half away, and last of all the key out of the
/// state: a run that was cut off is finished by the next. Nothing is changed where it can be seen
/// before that something would fail. What is returned are lines for people. The caller holds the
/// lock.
Result<std::vector<std::string>> drop_key(const Config& config, const SigningDomainConfig& domain,
                                          const KeyStateFiles& states, DomainKeys keys,
                                          const Selector& selector);

}  // namespace authmilter::tools
