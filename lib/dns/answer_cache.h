#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <list>
#include <map>

#include <authmilter/dns.h>

#include "base/locked.h"

namespace authmilter {

/// Keeps answers for their time to live, the most recently used ones when there are too many.
/// Thread-safe. The time is an argument.
class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Holds at most `entries` answers, and about a KiB for each of them: a sender chooses how long
  /// the records are.
  explicit AnswerCache(std::size_t entries);

  /// Null when there is none, or none that is fresh.
  DnsAnswerRef find(const DnsQuestion& question, TimePoint now);
  void store(const DnsQuestion& question, DnsAnswerRef answer, TimePoint now);
  std::size_t size();

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
  static constexpr std::size_t kShards = 64;

  Locked<Shard>& shard(const DnsQuestion& question);

  const std::size_t shard_entries_;
  const std::size_t shard_octets_;
  std::array<Locked<Shard>, kShards> shards_;
};

}  // namespace authmilter
