#pragma once

#include <memory>
#include <string>

#include <authmilter/config.h>
#include <authmilter/sign.h>

namespace authmilter::fuzz {

/// What the targets that sign share, made once: keys for example.org under the selectors "r" (RSA)
/// and "e" (Ed25519).
struct SigningSetup {
  SigningConfig config;
  std::shared_ptr<const KeyRing> ring;
  DkimEngine engine;
};
const SigningSetup& signing_setup();

/// The record of a key, and the name it stands under.
std::string key_record_name(const SigningKey& key);

}  // namespace authmilter::fuzz
