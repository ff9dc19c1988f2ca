#include <authmilter/paced_resolver.h>

#include <algorithm>
#include <thread>

namespace authmilter {
namespace {

using Clock = QuestionRate::Clock;

constexpr Clock::duration kSaved = std::chrono::milliseconds(100);

}  // namespace

QuestionRate::QuestionRate(unsigned per_second)
    : interval_(per_second == 0
                    ? Clock::duration::zero()
                    : std::chrono::duration_cast<Clock::duration>(std::chrono::seconds(1)) /
                          per_second),
      saved_(std::max(kSaved - interval_, Clock::duration::zero())) {}

Clock::time_point QuestionRate::reserve(Clock::time_point now) {
  if (interval_ == Clock::duration::zero()) return now;
  const std::lock_guard lock(mutex_);
  const Clock::time_point turn = std::max(next_, now - saved_);
  next_ = turn + interval_;
  return std::max(turn, now);
}

bool QuestionRate::take(Clock::time_point now) {
  if (interval_ == Clock::duration::zero()) return true;
  const std::lock_guard lock(mutex_);
  if (next_ > now) return false;
  next_ = std::max(next_, now - saved_) + interval_;
  return true;
}

DnsAnswerRef PacedResolver::resolve(const DnsQuestion& question, Deadline deadline,
                                    Freshness freshness) {
  if (freshness == Freshness::cached) {
    if (DnsAnswerRef answer = inner_.known(question)) return answer;
  }
  if (freshness == Freshness::fresh || paid_.insert(question).second) {
    const auto now = Clock::now();
    const auto turn = rate_.reserve(now);
    std::this_thread::sleep_until(turn);
    waited_ += turn - now;
  }
  const bool bounded = deadline < kNoDeadline - waited_;
  return inner_.resolve(question, bounded ? deadline + waited_ : kNoDeadline, freshness);
}

void PacedResolver::prefetch(const DnsQuestion& question) {
  if (paid_.contains(question) || inner_.known(question) != nullptr) return;
  if (!rate_.take(Clock::now())) return;
  paid_.insert(question);
  inner_.prefetch(question);
}

}  // namespace authmilter
