#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/pkcs11_uri.h>
#include <authmilter/private_key.h>
#include <authmilter/result.h>
#include <authmilter/token_health.h>

#include "base/locked.h"
#include "token/journal.h"
#include "token/pin_reader.h"

namespace authmilter {

class KeyEntry;
class Module;
class Token;

/// What a configuration asks of the keys in its tokens.
struct TokenDemands {
  std::chrono::milliseconds timeout{5000};  // of one signature, and of the first look at a token
  unsigned minimum_rsa_bits = 2048;
};

/// The tokens that a process has keys in, each once, and their libraries. For as long as keys of it
/// live, the store need not. Thread-safe.
class TokenStore {
 public:
  explicit TokenStore(PinReader read_pin);

  /// The key that a PKCS#11 URI names. One whose token is away, or does not answer in time, is
  /// given nevertheless: it is PrivateKey::unavailable() until the token is back. The error is of
  /// what only people can mend, and begins with the URI, up to its "?".
  Result<std::shared_ptr<const PrivateKey>> open(const std::string& uri,
                                                 const TokenDemands& demands);

  /// What has happened since the last call.
  TokenHealth take_health();

 private:
  class Key;
  struct Held;
  struct Libraries {
    std::vector<std::weak_ptr<Module>> modules;
    std::vector<std::weak_ptr<Held>> tokens;
    std::vector<std::weak_ptr<const Key>> keys;
  };
  std::shared_ptr<Held> token_of(const Pkcs11Uri& uri);

  const PinReader read_pin_;
  const std::shared_ptr<TokenJournal> journal_ = std::make_shared<TokenJournal>();
  Locked<Libraries> libraries_;
};

}  // namespace authmilter
