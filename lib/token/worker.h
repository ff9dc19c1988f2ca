#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "token/token.h"

namespace authmilter {

/// What is to be done in a token. All but what was asked for is guarded by the token's mutex.
struct Token::Job {
  std::shared_ptr<KeyEntry> key;
  std::optional<Sha256Digest> digest;  // nothing: the key is only tried
  Clock::time_point deadline;

  enum class State : std::uint8_t { queued, running, done };
  State state = State::queued;
  Clock::time_point began;
  std::optional<TokenResult<Octets>> result;
  std::condition_variable done;
};

/// What a thread has of its own: its session, and the handles that it has found. A handle belongs
/// to the whole process, yet others may have a library forget them.
struct Token::Worker {
  struct Found {
    std::weak_ptr<KeyEntry> key;
    CK_OBJECT_HANDLE handle;
    std::shared_ptr<const PublicHalf> half;
  };

  std::optional<Clock::time_point> busy_until;  // guarded by the token's mutex
  bool has_session = false;                     // the same, for others to see

  std::uint64_t generation = 0;  // of the module, that all below is of
  std::optional<SessionPlace> session;
  std::unordered_map<const KeyEntry*, Found> found;

  void forget() {
    session.reset();
    found.clear();
  }
  void close() {
    if (session) session->library->C_CloseSession(session->session);
    forget();
  }
};

}  // namespace authmilter
