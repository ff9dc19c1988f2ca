#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <list>
#include <map>

#include <authmilter/dns_answer.h>

#include "base/locked.h"

namespace authmilter {

/// Keeps answers for their time to live, the most recently used ones when there are too many.
/// Thread-safe. The time is an argument.
class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Holds at most `octets` of memory: senders choose how many names there are and how long their
  /// records. An answer that would not fit into a part of it is not kept.
  explicit AnswerCache(std::size_t octets);

  /// Null when there is none, or none that is fresh.
  DnsAnswerRef find(const DnsQuestion& question, TimePoint now);
  void store(const DnsQuestion& question, DnsAnswerRef answer, TimePoint now);
  std::size_t size();
  std::size_t octets();

 private:
  struct Entry {
    DnsQuestion question;
    DnsAnswerRef answer;
    TimePoint expires;
    std::size_t octets;
  };
  using Recency = std::list<Entry>;  // most recently used first
  // Ordered, not hashed: a sender who knows the hash could make all names collide.
  struct Shard {
    Recency recency;
    std::map<DnsQuestion, Recency::iterator> entries;
    std::size_t octets = 0;

    void drop(Recency::iterator entry);
  };
  static constexpr std::size_t kShards = 16;

  Locked<Shard>& shard(const DnsQuestion& question);

  const std::size_t shard_octets_;
  std::array<Locked<Shard>, kShards> shards_;
};

}  // namespace authmilter
