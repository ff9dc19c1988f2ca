#include "dns/unbound_worker.h"

#include <algorithm>
#include <csignal>
#include <span>
#include <system_error>
#include <utility>

#include <unbound-event.h>

#include <fmt/format.h>

#include "base/ascii.h"
#include "dns/answer_wire.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;

constexpr int kClassIn = 1;
constexpr int kTypeDnskey = 48;
constexpr int kNameError = 3;
constexpr int kBogus = 1;  // the event interface's numbers
constexpr int kSecure = 2;

// How long an answer waits for the root: an upstream that answers has the root's keys at hand.
constexpr auto kProbePatience = 2s;
constexpr auto kProbeAgainUndecided = 5s;
constexpr auto kProbeAgainPlain = 5min;
constexpr auto kIdle = 60s;

// libunbound goes on with a question, silence or not, for about a minute after nobody wants the
// answer any more, and each holds a socket. With this many of them the contexts are replaced.
constexpr std::ptrdiff_t kLeftOver = 400;
constexpr auto kLookAgain = 100ms;

/// The presentation form that libunbound reads: every octet that could mean anything is escaped.
std::string presentation(const DnsName& name) {
  std::string text;
  for (const char c : name.text()) {
    if (is_alnum(c) || c == '-' || c == '_' || c == '.')
      text += c;
    else
      text += fmt::format("\\{:03}", static_cast<unsigned char>(c));
  }
  return text + ".";
}

DnsAnswerRef shared(DnsAnswer answer) {
  return std::make_shared<const DnsAnswer>(std::move(answer));
}

/// Signals are the main thread's; a new thread inherits the mask.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

UnboundWorker::UnboundWorker(WorkerOptions options, Finish finish, Notify notify)
    : options_(std::move(options)),
      finish_(std::move(finish)),
      notify_(std::move(notify)),
      validation_(options_.validation) {}

Result<std::unique_ptr<UnboundWorker>> UnboundWorker::make(WorkerOptions options, Finish finish,
                                                           Notify notify) {
  try {
    std::unique_ptr<UnboundWorker> worker(
        new UnboundWorker(std::move(options), std::move(finish), std::move(notify)));
    // Both contexts now, also when only one may be needed: a mistake in the options is told here.
    auto plain = make_unbound_context(worker->loop_, worker->options_.nameservers, "");
    if (!plain) return plain.error();
    worker->plain_ = std::move(*plain);
    if (worker->validation_ != Validation::plain) {
      auto validating = make_unbound_context(worker->loop_, worker->options_.nameservers,
                                             worker->options_.trust_anchor_file);
      if (!validating) return validating.error();
      worker->validating_ = std::move(*validating);
    }
    const SignalsBlocked blocked;
    worker->thread_ = std::thread([raw = worker.get()] { raw->run(); });
    return worker;
  } catch (const std::system_error& e) {
    return Error{fmt::format("resolver thread: {}", e.what())};
  }
}

UnboundWorker::~UnboundWorker() {
  stopping_ = true;
  loop_.wake();
  if (thread_.joinable()) thread_.join();
  // The queries that are still open end here, in on_result() or silently.
  retired_.clear();
  validating_.reset();
  plain_.reset();
}

void UnboundWorker::submit(LookupRef lookup) {
  const bool was_empty = submitted_.with([&](auto& submitted) {
    submitted.push_back(std::move(lookup));
    return submitted.size() == 1;
  });
  if (was_empty) loop_.wake();
}

void UnboundWorker::run() noexcept {
  while (!stopping_) {
    try {
      run_once();
    } catch (const std::exception&) {
      // Memory is short. Whoever waits for what was at hand has a time limit.
    }
  }
}

void UnboundWorker::run_once() {
  auto limit = held_.empty() ? Clock::now() + kIdle : probe_since_ + kProbePatience;
  if (!retired_.empty()) limit = std::min(limit, next_look_);
  loop_.run_once(limit);

  std::vector<LookupRef> submitted;
  submitted_.with([&](auto& waiting) { submitted.swap(waiting); });
  for (const auto& lookup : submitted) start(lookup);

  end_what_is_left_over();
  while (!answered_.empty()) {
    std::list<Query> query;
    query.splice(query.begin(), answered_, answered_.begin());
    handle(query.front());
  }
  if (!held_.empty() && Clock::now() >= probe_since_ + kProbePatience) settle(Validation::plain);
}

/// Ends the queries whose answers nobody wants: with their contexts, the only way that libunbound
/// has (ub_cancel() leaves them at work, and their sockets open).
void UnboundWorker::end_what_is_left_over() {
  const auto now = Clock::now();
  if (now < next_look_) return;
  next_look_ = now + kLookAgain;
  const auto left_over = [&](const Query& query) {
    return query.is_left_over(now, options_.lifetime);
  };
  if (std::count_if(queries_.begin(), queries_.end(), left_over) >= kLeftOver) renew_contexts();

  for (auto retired = retired_.begin(); retired != retired_.end();) {
    const auto& queries = retired->queries;
    if (!std::all_of(queries.begin(), queries.end(), left_over)) {
      ++retired;
      continue;
    }
    // Some may still come to on_result() here; the others end without a word.
    retired->validating.reset();
    retired->plain.reset();
    for (const Query& query : queries) finish_(query.lookup, nullptr);
    retired = retired_.erase(retired);
  }
}

/// False when that cannot be now: the probe has a context of its own.
bool UnboundWorker::renew_contexts() {
  if (probe_running() || !held_.empty()) return false;
  auto plain = make_unbound_context(loop_, options_.nameservers, "");
  if (!plain) return false;
  UnboundContext validating;
  if (validating_ != nullptr) {
    auto made = make_unbound_context(loop_, options_.nameservers, options_.trust_anchor_file);
    if (!made) return false;
    validating = std::move(*made);
  }
  Retired& retired = retired_.emplace_back();
  retired.plain = std::exchange(plain_, std::move(*plain));
  retired.validating = std::exchange(validating_, std::move(validating));
  retired.queries.splice(retired.queries.end(), queries_);
  for (Query& query : retired.queries) query.home = &retired.queries;
  return true;
}

void UnboundWorker::start(const LookupRef& lookup) {
  const bool may_probe = options_.validation == Validation::undecided && !probe_running() &&
                         validation_ != Validation::validating && Clock::now() >= next_probe_;
  if (may_probe) start_probe();
  ask(validation_ == Validation::validating ? Purpose::validating : Purpose::plain, lookup);
}

void UnboundWorker::ask(Purpose purpose, const LookupRef& lookup) {
  // Given up before it was sent.
  if (lookup != nullptr && lookup->is_over()) return finish_(lookup, nullptr);
  Query& query = queries_.emplace_back(Query{this, purpose, lookup});
  query.home = &queries_;
  query.self = std::prev(queries_.end());
  const bool is_probe = purpose == Purpose::probe;
  const std::string name = is_probe ? "." : presentation(lookup->question().name);
  const int type = is_probe ? kTypeDnskey : static_cast<int>(lookup->question().type);
  ub_ctx* const context = purpose == Purpose::plain ? plain_.get() : validating_.get();
  const int status =
      ub_resolve_event(context, name.c_str(), type, kClassIn, &query, on_result, nullptr);
  // Without an error, on_result() comes later or has been called already.
  if (status != UB_NOERROR) answered_.splice(answered_.end(), queries_, query.self);
}

void UnboundWorker::on_result(void* data, int rcode, void* packet, int size, int security, char*,
                              int) noexcept {
  auto& query = *static_cast<Query*>(data);
  auto& worker = *query.worker;
  try {
    const std::span message(static_cast<const std::uint8_t*>(packet),
                            packet == nullptr || size < 0 ? 0U : static_cast<std::size_t>(size));
    // Before anything else: a bogus answer comes with data and without an error.
    if (security == kBogus) {
      query.answer = DnsAnswer::failed(DnsFault::bogus);
    } else if (query.purpose == Purpose::probe) {
      query.answer.status = rcode == 0 ? DnsStatus::success : DnsStatus::temperror;
    } else if (rcode == 0) {
      query.answer = parse_dns_answer(message, query.lookup->question());
    } else if (rcode == kNameError) {
      query.answer = DnsAnswer();
      query.answer.status = DnsStatus::nxdomain;
    }
    query.answer.secure = security == kSecure && query.answer.status != DnsStatus::temperror;
  } catch (...) {
    query.answer.fault = DnsFault::servfail;
    query.answer.status = DnsStatus::temperror;
  }
  // libunbound is not done with its own work, so ours comes later.
  worker.answered_.splice(worker.answered_.end(), *query.home, query.self);
}

void UnboundWorker::handle(const Query& query) {
  switch (query.purpose) {
    case Purpose::probe:
      return handle_probe(query.answer);
    case Purpose::validating:
      return finish_(query.lookup, shared(query.answer));
    case Purpose::plain:
      return handle_plain(query.lookup, shared(query.answer));
  }
}

void UnboundWorker::handle_plain(const LookupRef& lookup, DnsAnswerRef answer) {
  const bool alive = answer->status != DnsStatus::temperror;
  if (validation_ == Validation::plain || !alive) return finish_(lookup, std::move(answer));
  if (validation_ == Validation::validating) return ask(Purpose::validating, lookup);
  // The probe must run while the upstream is known to answer, or its failure would mean nothing.
  held_.push_back({lookup, std::move(answer)});
  if (!probe_running() && !start_probe()) settle(Validation::plain);
}

/// A new context every time: libunbound remembers for a while that a key could not be had.
bool UnboundWorker::start_probe() {
  auto context = make_unbound_context(loop_, options_.nameservers, options_.trust_anchor_file);
  if (!context) return false;
  validating_ = std::move(*context);
  probe_since_ = Clock::now();
  ask(Purpose::probe, nullptr);
  return true;
}

void UnboundWorker::handle_probe(const DnsAnswer& answer) {
  probe_since_ = Clock::time_point::max();
  next_probe_ = Clock::now() + (validation_ == Validation::plain ? Clock::duration(kProbeAgainPlain)
                                                                 : kProbeAgainUndecided);
  if (answer.secure) return settle(Validation::validating);
  if (answer.fault == DnsFault::bogus || !held_.empty()) settle(Validation::plain);
}

void UnboundWorker::settle(Validation validation) {
  validation_ = validation;
  if (validation == Validation::plain) {
    next_probe_ = Clock::now() + kProbeAgainPlain;
    if (!noticed_) notify_("nameservers strip DNSSEC signatures: answers are not validated");
    noticed_ = true;
  }
  std::vector<Held> held;
  held.swap(held_);
  for (auto& [lookup, answer] : held) {
    if (validation == Validation::validating)
      ask(Purpose::validating, lookup);
    else
      finish_(lookup, std::move(answer));
  }
}

}  // namespace authmilter
