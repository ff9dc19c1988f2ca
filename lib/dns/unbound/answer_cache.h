#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <list>
#include <set>

#include <authmilter/dns_answer.h>

#include "base/locked.h"

namespace authmilter {

/// Keeps answers for their time to live, the most recently used ones when there are too many.
/// Thread-safe. The time is an argument.
class AnswerCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Holds at most `octets` of memory, with what readers put beside the answers: senders choose how
  /// many names there are and how long their records. None of it is taken before it is needed. An
  /// answer that would not fit into a part of it is not kept.
  explicit AnswerCache(std::size_t octets);

  /// Null when there is none, or none that is fresh.
  DnsAnswerRef find(const DnsQuestion& question, TimePoint now);
  void store(const DnsQuestion& question, DnsAnswerRef answer, TimePoint now);
  std::size_t size();
  std::size_t octets();

 private:
  struct Entry {
    DnsQuestion question;
    std::size_t hash;
    DnsAnswerRef answer;
    TimePoint expires;
    std::size_t octets;
  };
  using Recency = std::list<Entry>;  // most recently used first
  /// A question with its hash, which is computed once for a call.
  struct Key {
    std::size_t hash;
    const DnsQuestion& question;
  };
  static Key key_of(const DnsQuestion& question);
  /// By the hash first, as numbers are compared quickly. Ordered and not in buckets: a sender who
  /// knows the hash could make all names collide.
  struct Order {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const;
    bool operator()(const Key& a, Recency::iterator b) const { return (*this)(a, key_of(b)); }
    bool operator()(Recency::iterator a, const Key& b) const { return (*this)(key_of(a), b); }
    bool operator()(Recency::iterator a, Recency::iterator b) const {
      return (*this)(key_of(a), key_of(b));
    }
    static Key key_of(Recency::iterator entry) { return {entry->hash, entry->question}; }
  };
  struct Shard {
    Recency recency;
    std::set<Recency::iterator, Order> entries;
    std::size_t octets = 0;

    void drop(Recency::iterator entry);
  };
  static constexpr std::size_t kShards = 16;

  Locked<Shard>& shard(const Key& key) { return shards_[key.hash % kShards]; }

  const std::size_t shard_octets_;
  std::array<Locked<Shard>, kShards> shards_;
};

}  // namespace authmilter
