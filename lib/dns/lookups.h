#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include <authmilter/dns.h>

namespace authmilter {

/// A question under way. Whoever asks the same meanwhile waits for the same answer.
class Lookup {
 public:
  Lookup(DnsQuestion question, Deadline begun) : question_(std::move(question)), begun_(begun) {}

  const DnsQuestion& question() const { return question_; }
  Deadline begun() const { return begun_; }
  /// True once: for whoever is first to know how the question ended.
  bool take_ending() { return !ended_.exchange(true); }
  /// Null when `until` was reached first.
  DnsAnswerRef wait_until(Deadline until);
  void finish(DnsAnswerRef answer);

 private:
  const DnsQuestion question_;
  const Deadline begun_;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::condition_variable finished_;
  DnsAnswerRef answer_;
};
using LookupRef = std::shared_ptr<Lookup>;

/// All questions under way; bounded. Thread-safe.
class Lookups {
 public:
  explicit Lookups(std::size_t limit) : limit_(limit) {}

  struct Joined {
    LookupRef lookup;  // null: there are too many
    bool is_new = false;
  };
  Joined join(const DnsQuestion& question, Deadline now = {});
  void finish(const LookupRef& lookup, DnsAnswerRef answer);
  void finish_all(const DnsAnswerRef& answer);

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::map<DnsQuestion, LookupRef> lookups_;
};

}  // namespace authmilter
