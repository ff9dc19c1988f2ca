#pragma once

#include <chrono>
#include <mutex>
#include <set>

#include <authmilter/resolver.h>

namespace authmilter {

/// How many questions a second may be asked, by all threads together. A pause saves up no more than
/// a tenth of a second's questions, so that a name server never gets a burst. Thread-safe.
class QuestionRate {
 public:
  using Clock = std::chrono::steady_clock;

  /// 0: as many as there are.
  explicit QuestionRate(unsigned per_second);
  /// When a question that is wanted at `now` may be asked. It counts from here on.
  Clock::time_point reserve(Clock::time_point now);
  /// Whether one may be asked at once; if so it counts.
  bool take(Clock::time_point now);

 private:
  const Clock::duration interval_;  // from one question to the next; 0 without a limit
  const Clock::duration saved_;     // how far the account may lie behind
  std::mutex mutex_;
  Clock::time_point next_ = Clock::time_point::min();
};

/// Asks no faster than a rate allows. What is at hand costs nothing, and each question counts once.
/// Deadlines are for the answers: they move by the time that was spent waiting for a turn, so that
/// a slow rate makes a run longer and no answer worse. For one thread at a time; `inner` and `rate`
/// must outlive it.
class PacedResolver final : public Resolver {
 public:
  PacedResolver(Resolver& inner, QuestionRate& rate) : inner_(inner), rate_(rate) {}

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override;
  using Resolver::resolve;
  /// Leaves the question for resolve() where it is not its turn.
  void prefetch(const DnsQuestion& question) override;
  DnsAnswerRef known(const DnsQuestion& question) override { return inner_.known(question); }

 private:
  Resolver& inner_;
  QuestionRate& rate_;
  std::set<DnsQuestion> paid_;
  QuestionRate::Clock::duration waited_{0};
};

}  // namespace authmilter
