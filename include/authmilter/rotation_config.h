#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace authmilter {

/// The `[rotation]` table of the configuration; see authmilter.toml(5).
struct RotationConfig {
  /// Of new keys: a name with %Y, %y, %m and %d for the day it is made on.
  std::string selector = "am%Y%m";
  /// Names that are used one after the other for ever, instead of dated ones.
  std::vector<std::string> ring;
  /// The domain of ours under which the records stand, as SELECTOR.DOMAIN.THIS; each signing domain
  /// points there by CNAME records. Empty: the records stand in the signing domain itself.
  std::string delegated_to;
  unsigned rsa_bits = 2048;  // signing.minimum_rsa_bits, where that is more
  /// RSA and Ed25519 keys of a domain change at one time, or each when its own record is ready.
  bool together = true;
  /// How long both the old and the new key sign after a change.
  std::chrono::milliseconds overlap = std::chrono::hours(72);
  /// The longest time that a message may lie in a queue before somebody verifies it.
  std::chrono::milliseconds queue_time = std::chrono::hours(6 * 24);
  /// Without a look at the DNS for longer, the daemon warns while keys are changing.
  std::chrono::milliseconds watch_limit = std::chrono::hours(3);
  std::chrono::milliseconds record_ttl = std::chrono::hours(1);  // of records that are printed
  /// A program and its arguments, told of each change that the DNS needs. Empty: none.
  std::vector<std::string> hook;
  /// Where the private keys are laid open that nobody should trust any more. Empty: nowhere.
  std::string publish_retired;
};

}  // namespace authmilter
