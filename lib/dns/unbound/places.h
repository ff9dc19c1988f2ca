#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "dns/unbound/share_key.h"

namespace authmilter {

/// What a look-up is to the one who asked: a message waits for it, it was begun ahead of need, or
/// nobody is left to use it while libunbound is still at work on it.
enum class Use : std::uint8_t { waiting, ahead, left_over };

/// How many look-ups there may be at a time.
struct PlaceLimits {
  struct Share {
    std::size_t waiting;  // that messages wait for
    std::size_t ahead;    // of all uses together, for one more to be begun ahead of need
  };
  // More than any mail server asks at a time; beyond it an attack or a dead name server is at work.
  // A half is kept for messages that wait.
  Share table = {2000, 1000};
  // An MTA gives one client a part of its processes (Postfix 50 of 100), and a message waits for
  // one question at a time.
  Share client = {250, 60};
  Share network = {500, 120};
  Share domain = {500, 120};
  Share subdomain = {250, 60};

  const Share& of(DnsShare share) const;
};

/// The accounts of everybody who has a part of the table. Not thread-safe. Its size is that of the
/// table: who holds nothing is forgotten.
class Places {
 public:
  explicit Places(const PlaceLimits& limits) : limits_(limits) {}

  /// The first share of `keys` without room for one more; nothing when there is room everywhere.
  std::optional<DnsShare> used_up(const ShareKeys& keys, Use use) const;
  void add(const ShareKeys& keys, Use use);
  void remove(const ShareKeys& keys, Use use);
  void change(const ShareKeys& keys, Use from, Use to);

  std::size_t count(const ShareKey& key, Use use) const;

 private:
  struct Account {
    std::size_t waiting = 0;
    std::size_t ahead = 0;
    std::size_t left_over = 0;

    std::size_t& of(Use use);
    std::size_t all() const { return waiting + ahead + left_over; }
  };

  const PlaceLimits limits_;
  std::map<ShareKey, Account> accounts_;
};

}  // namespace authmilter
