#include <malloc.h>

#include <algorithm>
#include <map>
#include <utility>

#include <unbound-event.h>

#include "dns/unbound/unbound_worker.h"

// The worker's contexts of libunbound: how many questions they have room for, and the end of those
// that nobody can use any more.

namespace authmilter {
namespace {

using namespace std::chrono_literals;

// libunbound goes on with a question, silence or not, for about a minute after nobody wants the
// answer any more, and each holds a socket. With this many of them the contexts are replaced.
constexpr std::ptrdiff_t kLeftOver = 400;
constexpr auto kLookAgain = 100ms;

// What a context has room for once many questions are under way: as many as there may be look-ups.
// It takes 12 MiB, so it is given back when they have been few for some time.
constexpr unsigned kMostQuestions = 2048;
constexpr auto kBusy = 60s;

}  // namespace

/// Without anchors it is behind our own cache and has nothing to validate.
Result<UnboundContext> UnboundWorker::make_context(const TrustAnchors& anchors) {
  const std::size_t plain = cache_octets_ / 8;
  const std::size_t octets = anchors.records.empty() ? plain : cache_octets_ - plain;
  return make_unbound_context(loop_, upstream_, anchors, {octets, questions_});
}

/// Both contexts, also when only one may be needed: a mistake in the options is told here. What is
/// under way in the ones before ends there: a context lives as long as its queries.
Status UnboundWorker::open_contexts() {
  auto plain = make_context({});
  if (!plain) return plain.error();
  if (policy_.state() != Validation::plain) {
    auto validating = make_context(anchors_);
    if (!validating) return validating.error();
    validating_ = std::move(*validating);
  }
  plain_ = std::move(*plain);
  any_retired_ = true;
  return Done{};
}

/// libunbound has no way past its caches, so a fresh question gets a context with empty ones. It
/// ends with its question.
UnboundContext UnboundWorker::context_for(Purpose purpose, Freshness freshness) {
  const UnboundContext& shared_one = purpose == Purpose::plain ? plain_ : validating_;
  if (freshness == Freshness::cached) return shared_one;
  const TrustAnchors none;
  auto fresh = make_context(purpose == Purpose::plain ? none : anchors_);
  if (!fresh) return nullptr;
  any_retired_ = true;  // it is none of the current ones: see end_what_is_left_over()
  return std::move(*fresh);
}

bool UnboundWorker::is_current(const UnboundContext& context) const {
  return context == plain_ || context == validating_ || context == probing_;
}

/// Whether nobody wants the answer of a query any more.
bool UnboundWorker::is_left_over(const Query& query, Clock::time_point now) const {
  if (query.probe) return !probe_ || query.probe->run != probe_run_;
  return query.lookup->is_over() || now - query.lookup->begun() >= lifetime_;
}

/// Ends the queries whose answers nobody wants: with their contexts, the only way that libunbound
/// has (ub_cancel() leaves them at work, and their sockets open).
void UnboundWorker::end_what_is_left_over() {
  const auto now = Clock::now();
  if (now < next_look_) return;
  next_look_ = now + kLookAgain;
  const auto left_over = [&](const Query& query) {
    return is_current(query.context) && is_left_over(query, now);
  };
  if (std::count_if(queries_.begin(), queries_.end(), left_over) >= kLeftOver) {
    // Without memory for new ones the old ones go on.
    if (const auto opened = open_contexts(); !opened) return;
  }

  std::map<const ub_ctx*, bool> wanted;
  for (const Query& query : queries_) {
    if (is_current(query.context)) continue;
    bool& is_wanted = wanted[query.context.get()];
    is_wanted = is_wanted || !is_left_over(query, now);
  }
  any_retired_ = !wanted.empty();
  for (const auto& [context, is_wanted] : wanted) {
    if (!is_wanted) end_queries_of(context);
  }
}

void UnboundWorker::end_queries_of(const ub_ctx* context) {
  std::vector<UnboundContext> references;
  for (Query& query : queries_) {
    if (query.context.get() == context) references.push_back(std::move(query.context));
  }
  // Here libunbound still comes to on_result() with some; the others end without a word.
  references.clear();
  for (auto query = queries_.begin(); query != queries_.end();) {
    if (query->context != nullptr) {
      ++query;
      continue;
    }
    if (query->lookup != nullptr) finish_(query->lookup, nullptr);
    query = queries_.erase(query);
  }
}

/// Before half of the room is used: a question may need others to be validated.
void UnboundWorker::make_room() {
  if (queries_.size() < kQuestions / 2) return;
  busy_until_ = Clock::now() + kBusy;
  if (questions_ == kMostQuestions) return;
  questions_ = kMostQuestions;
  // Without memory for new contexts the old ones go on.
  if (const auto opened = open_contexts(); !opened) questions_ = kQuestions;
}

void UnboundWorker::give_room_back() {
  if (questions_ == kQuestions || queries_.size() >= kQuestions / 4 || Clock::now() < busy_until_)
    return;
  questions_ = kQuestions;
  if (const auto opened = open_contexts(); !opened) questions_ = kMostQuestions;
#ifdef __GLIBC__
  malloc_trim(0);  // what lay between other things would stay ours
#endif
}

}  // namespace authmilter
