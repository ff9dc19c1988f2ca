#pragma once

#include <cstdint>
#include <span>
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
  std::string skipped;             // why nothing was made; empty when something was
  std::vector<std::string> notes;  // for people, a line each
};

/// Makes the next keys of the first of `domains`, at least one, for some seconds: those that are
/// written in one file, whose text is changed once for all of them. As many results as domains were
/// done. An error where there is no lock, which is held meanwhile.
///
/// Each domain's files come first, then its state, and the configuration last, so that no daemon
/// signs with a key whose record is not published. Nothing is left of what fails; what a power cut
/// leaves, the next run finishes or passes over. Once the configuration names a key it stays.
Result<std::vector<Result<Rotated>>> rotate_some(
    const Config& config, std::span<const SigningDomainConfig* const> domains,
    const KeyStateFiles& states, const RotateOptions& options);

}  // namespace authmilter::tools
