#include <authmilter/budget_resolver.h>

#include <algorithm>
#include <map>

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;

DnsAnswerRef over_the_limit() {
  return std::make_shared<const DnsAnswer>(DnsAnswer::failed(DnsFault::limit));
}

}  // namespace

struct BudgetResolver::State {
  const std::unique_ptr<Resolver> view;  // null: `inner` has none
  Resolver& inner;
  const std::size_t max_queries;
  const std::chrono::microseconds waiting_time;
  std::map<DnsQuestion, DnsAnswerRef> answers;  // null: asked for, answer not seen yet
  bool limit_reached = false;
  std::chrono::microseconds waited{0};

  bool time_is_up() const { return waited >= waiting_time; }
};

BudgetResolver::BudgetResolver(Resolver& inner, std::size_t max_queries,
                               std::chrono::milliseconds waiting_time, const DnsClient& client) {
  auto view = inner.for_message(client);
  Resolver& used = view ? *view : inner;
  state_.reset(new State{std::move(view), used, max_queries, waiting_time, {}, false, {}});
}

BudgetResolver::~BudgetResolver() = default;

DnsAnswerRef BudgetResolver::resolve(const DnsQuestion& question, Deadline deadline,
                                     Freshness freshness) {
  const auto known = state_->answers.find(question);
  const bool is_known = known != state_->answers.end() && known->second != nullptr;
  if (is_known && freshness == Freshness::cached) return known->second;

  if (state_->time_is_up()) {
    // What was asked for in time may have been answered since. Whoever used the time up with slow
    // names of his own must not hide what others' names say.
    const bool asked = known != state_->answers.end();
    DnsAnswerRef answer =
        asked ? state_->inner.resolve(question, Clock::now(), freshness) : over_the_limit();
    if (answer->fault == DnsFault::limit) {
      state_->limit_reached = true;
    } else {
      known->second = answer;
    }
    return answer;
  }
  const auto begin = Clock::now();
  if (begin >= deadline) return over_the_limit();
  if (known == state_->answers.end()) {
    if (state_->answers.size() >= state_->max_queries) {
      state_->limit_reached = true;
      return over_the_limit();
    }
    state_->answers.emplace(question, nullptr);
  }

  const Deadline own_deadline = begin + (state_->waiting_time - state_->waited);
  const DnsAnswerRef answer =
      state_->inner.resolve(question, std::min(deadline, own_deadline), freshness);
  const auto end = Clock::now();
  state_->waited += std::chrono::duration_cast<std::chrono::microseconds>(end - begin);
  if (end >= own_deadline && answer->fault == DnsFault::limit) state_->limit_reached = true;
  // A deadline is no answer: another caller may have more time.
  if (answer->fault != DnsFault::limit) state_->answers[question] = answer;
  return answer;
}

void BudgetResolver::prefetch(const DnsQuestion& question) {
  if (state_->time_is_up() || state_->answers.contains(question)) return;
  if (state_->answers.size() >= state_->max_queries) return;
  state_->answers.emplace(question, nullptr);
  state_->inner.prefetch(question);
}

DnsAnswerRef BudgetResolver::known(const DnsQuestion& question) {
  const auto found = state_->answers.find(question);
  if (found == state_->answers.end()) return nullptr;  // not counted yet
  return found->second != nullptr ? found->second : state_->inner.known(question);
}

std::size_t BudgetResolver::queries() const { return state_->answers.size(); }

bool BudgetResolver::limit_reached() const { return state_->limit_reached; }

std::chrono::microseconds BudgetResolver::waited() const { return state_->waited; }

}  // namespace authmilter
