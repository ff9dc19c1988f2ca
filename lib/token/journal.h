#pragma once

#include <string>

#include <authmilter/token_health.h>

#include "base/locked.h"

namespace authmilter {

/// What happens to the tokens of a store, until somebody reads it. Thread-safe, bounded.
class TokenJournal {
 public:
  void failed(const std::string& subject, const std::string& reason);
  void recovered(const std::string& subject);
  void count(TokenFault fault);
  /// All but the number of keys. What is taken is not given again.
  TokenHealth take();

 private:
  void add(TokenEvent event);

  Locked<TokenHealth> health_;
};

}  // namespace authmilter
