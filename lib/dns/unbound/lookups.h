#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <authmilter/dns_observer.h>

#include "dns/unbound/places.h"

namespace authmilter {

/// A question under way. Whoever asks the same meanwhile waits for the same answer. It is over when
/// there is an answer, or when it was given up because nobody has an interest in it. Thread-safe.
class Lookup {
 public:
  Lookup(DnsQuestion question, Freshness freshness, const DnsClient& client, Deadline begun)
      : question_(std::move(question)), freshness_(freshness), client_(client), begun_(begun) {}

  const DnsQuestion& question() const { return question_; }
  Freshness freshness() const { return freshness_; }
  Deadline begun() const { return begun_; }
  bool is_over() const { return over_; }
  /// True once: for whoever is first to know how the question ended.
  bool take_ending() { return !ending_taken_.exchange(true); }
  /// Null while there is none, and when it was given up.
  DnsAnswerRef answer() const;
  /// Null when `until` was reached first, or when it was given up.
  DnsAnswerRef wait_until(Deadline until) const;

 private:
  friend class Lookups;
  struct Holder {
    DnsClient client;
    Use use;
  };
  /// Null gives it up. The first call counts.
  void end(DnsAnswerRef answer);

  const DnsQuestion question_;
  const Freshness freshness_;
  const DnsClient client_;  // that began it
  const Deadline begun_;
  std::atomic<bool> over_ = false;
  std::atomic<bool> ending_taken_ = false;
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  DnsAnswerRef answer_;

  // Of Lookups, under its mutex.
  enum class State { listed, left_over, gone } state_ = State::listed;
  Use use_ = Use::ahead;
  std::map<std::uint64_t, Holder> holders_;
  std::list<std::shared_ptr<Lookup>>::iterator place_ = {};
};
using LookupRef = std::shared_ptr<Lookup>;

/// All questions under way, and who may have how many of them. A look-up lives for `lifetime` at
/// most, and no longer than somebody has an interest in it. Thread-safe.
///
/// libunbound cannot be told to stop: ub_cancel() (1.17.1) only forgets whom to tell. So a look-up
/// that is given up is left over until libunbound is done with it, or its context is deleted. It
/// holds no place that a message which waits could need, but until then nothing is begun ahead of
/// need in its stead.
class Lookups {
 public:
  /// An interest in a look-up, which ends with it. Must not outlive the Lookups. For one thread at
  /// a time.
  class Interest {
   public:
    Interest() = default;
    Interest(Interest&& other) noexcept;
    Interest& operator=(Interest&& other) noexcept;
    ~Interest() { end(); }

    const LookupRef& lookup() const { return lookup_; }
    void end() noexcept;
    /// The holder does not wait any more, but may still need the answer.
    void stop_waiting();
    /// The interest lasts as long as the look-up may.
    void detach() { owner_ = nullptr; }

   private:
    friend class Lookups;
    Interest(Lookups& owner, LookupRef lookup, std::uint64_t id)
        : owner_(&owner), lookup_(std::move(lookup)), id_(id) {}

    Lookups* owner_ = nullptr;
    LookupRef lookup_;
    std::uint64_t id_ = 0;
  };

  struct Joined {
    Interest interest;                // without a lookup when it was refused
    bool is_new = false;              // to be sent
    std::optional<DnsShare> refused;  // the share that is used up
  };

  explicit Lookups(std::chrono::milliseconds lifetime, const PlaceLimits& limits = {})
      : lifetime_(lifetime), limits_(limits), places_(limits) {}

  /// `use` is waiting or ahead. A full table gives up the oldest look-up that was begun ahead of
  /// need for one that is waited for.
  Joined join(const DnsQuestion& question, const DnsClient& client, Use use, Deadline now,
              Freshness freshness = Freshness::cached);

  /// libunbound is done with it. With a null answer it was ended without one.
  void finish(const LookupRef& lookup, DnsAnswerRef answer);
  /// Its time is up. False when it was over already.
  bool expire(const LookupRef& lookup, DnsAnswerRef silence);
  /// Those whose time is up, for expire().
  std::vector<LookupRef> overdue(Deadline now) const;
  /// Ends everything, for the end of the resolver.
  void finish_all(const DnsAnswerRef& answer);

  std::size_t count(const ShareKey& key, Use use) const;

 private:
  std::optional<DnsShare> refusal(const ShareKeys& client, const DnsQuestion& question,
                                  const Lookup* found, Use use);
  void make_room();
  /// Takes it off the list, and its holders off the accounts.
  void unlist(Lookup& lookup, Lookup::State state);
  void settle_use(Lookup& lookup);
  void leave(Lookup& lookup, std::uint64_t id);
  void stop_waiting(Lookup& lookup, std::uint64_t id);

  const std::chrono::milliseconds lifetime_;
  const PlaceLimits limits_;
  mutable std::mutex mutex_;
  Places places_;
  std::map<std::pair<DnsQuestion, Freshness>, LookupRef> listed_;
  std::list<LookupRef> by_age_;  // oldest first
  std::uint64_t last_id_ = 0;
};

}  // namespace authmilter
