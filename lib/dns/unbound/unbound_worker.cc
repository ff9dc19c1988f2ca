#include "dns/unbound/unbound_worker.h"

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
constexpr int kNameError = 3;
constexpr int kBogus = 1;  // the event interface's numbers
constexpr int kSecure = 2;

constexpr auto kIdle = 60s;

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

/// What a probe's question has come to.
ProbeOutcome outcome_of(int rcode, std::span<const std::uint8_t> message, int security) {
  if (security == kBogus) return ProbeOutcome::bogus;
  if (rcode != 0 && rcode != kNameError) return ProbeOutcome::failed;
  // RFC 1035 section 4.1.1: ANCOUNT.
  const bool has_records = rcode == 0 && message.size() >= 8 && (message[6] | message[7]) != 0;
  return security == kSecure && has_records ? ProbeOutcome::secure : ProbeOutcome::proved_off;
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
    : resolv_conf_(std::move(options.resolv_conf)),
      lifetime_(options.lifetime),
      cache_octets_(options.cache_octets),
      finish_(std::move(finish)),
      notify_(std::move(notify)),
      upstream_{Upstream::Source::configured, std::move(options.nameservers)},
      anchors_(std::move(options.anchors)),
      policy_(options.validation),
      questions_(kQuestions),
      shown_(options.validation) {
  if (!upstream_.servers.empty()) return;
  system_.emplace(resolv_conf_);
  auto system = system_->read(Clock::now());
  upstream_ = {Upstream::Source::system, std::move(system.servers)};
  passed_over_ = std::move(system.passed_over);
}

Result<std::unique_ptr<UnboundWorker>> UnboundWorker::make(WorkerOptions options, Finish finish,
                                                           Notify notify) {
  try {
    std::unique_ptr<UnboundWorker> worker(
        new UnboundWorker(std::move(options), std::move(finish), std::move(notify)));
    const auto opened = worker->open_contexts();
    if (!opened) return opened.error();
    for (const std::string& line : worker->passed_over_)
      worker->notify_(fmt::format("{}: {}", worker->resolv_conf_, line));
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
  // The queries that are still open end with their contexts, in on_result() or silently; they must
  // be there as long as these are.
  std::vector<UnboundContext> contexts = {plain_, validating_, probing_};
  for (Query& query : queries_) contexts.push_back(std::move(query.context));
  for (Query& query : answered_) contexts.push_back(std::move(query.context));
  plain_.reset();
  validating_.reset();
  probing_.reset();
  contexts.clear();
}

void UnboundWorker::submit(LookupRef lookup) {
  const bool was_empty = submitted_.with([&](auto& submitted) {
    submitted.push_back(std::move(lookup));
    return submitted.size() == 1;
  });
  if (was_empty) loop_.wake();
}

void UnboundWorker::renew(std::optional<Renewal> renewal) {
  renewals_.with([&](auto& renewals) { renewals.push_back(std::move(renewal)); });
  loop_.wake();
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
  auto limit = std::min(Clock::now() + kIdle, policy_.decide_by());
  if (any_retired_) limit = std::min(limit, next_look_);
  loop_.run_once(limit);

  std::vector<std::optional<Renewal>> renewals;
  renewals_.with([&](auto& waiting) { renewals.swap(waiting); });
  for (auto& renewal : renewals) renew_now(std::move(renewal));
  if (system_) look_at_system();

  std::vector<LookupRef> submitted;
  submitted_.with([&](auto& waiting) { submitted.swap(waiting); });
  for (const auto& lookup : submitted) start(lookup);

  while (!answered_.empty()) {
    std::list<Query> query;
    query.splice(query.begin(), answered_, answered_.begin());
    handle(query.front());
  }
  if (probe_ && Clock::now() >= policy_.decide_by()) conclude(probe_->verdict_now());
  // Only now: what has been answered holds its context no longer.
  if (answered_.empty()) {
    give_room_back();
    end_what_is_left_over();
  }
}

void UnboundWorker::start(const LookupRef& lookup) {
  make_room();
  if (policy_.is_due(Clock::now())) start_probe();
  const bool validates = policy_.state() == Validation::validating;
  ask(validates ? Purpose::validating : Purpose::plain, lookup);
}

void UnboundWorker::ask(Purpose purpose, const LookupRef& lookup) {
  // Given up before it was sent.
  if (lookup->is_over()) return finish_(lookup, nullptr);
  Query query;
  query.worker = this;
  query.purpose = purpose;
  query.context = context_for(purpose, lookup->freshness());
  if (query.context == nullptr)
    return finish_(lookup, shared(DnsAnswer::failed(DnsFault::servfail)));
  query.lookup = lookup;
  send(std::move(query), presentation(lookup->question().name),
       static_cast<int>(lookup->question().type));
}

void UnboundWorker::send(Query unsent, const std::string& name, int type) {
  Query& query = queries_.emplace_back(std::move(unsent));
  query.self = std::prev(queries_.end());
  const int status = ub_resolve_event(query.context.get(), name.c_str(), type, kClassIn, &query,
                                      on_result, nullptr);
  // Without an error, on_result() comes later or has been called already.
  if (status != UB_NOERROR) answered_.splice(answered_.end(), queries_, query.self);
}

void UnboundWorker::on_result(void* data, int rcode, void* packet, int size, int security, char*,
                              int) noexcept {
  auto& query = *static_cast<Query*>(data);
  if (query.context == nullptr) return;  // its context is being ended
  auto& worker = *query.worker;
  try {
    const std::span message(static_cast<const std::uint8_t*>(packet),
                            packet == nullptr || size < 0 ? 0U : static_cast<std::size_t>(size));
    // Before anything else: a bogus answer comes with data and without an error.
    if (query.purpose == Purpose::probe) {
      query.outcome = outcome_of(rcode, message, security);
    } else if (security == kBogus) {
      query.answer = DnsAnswer::failed(DnsFault::bogus);
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
  worker.answered_.splice(worker.answered_.end(), worker.queries_, query.self);
}

void UnboundWorker::handle(const Query& query) {
  switch (query.purpose) {
    case Purpose::probe:
      return handle_probe(query);
    case Purpose::validating:
      return handle_validated(query.lookup, shared(query.answer));
    case Purpose::plain:
      return handle_plain(query.lookup, shared(query.answer));
  }
}

void UnboundWorker::handle_plain(const LookupRef& lookup, DnsAnswerRef answer) {
  const bool alive = answer->status != DnsStatus::temperror;
  const Validation state = policy_.state();
  if (state == Validation::plain || !alive) return finish_(lookup, std::move(answer));
  if (state == Validation::validating) return ask(Purpose::validating, lookup);
  // The probe must run while the upstream is known to answer, or its failure would mean nothing.
  held_.push_back({lookup, std::move(answer)});
  if (!probe_) start_probe();
}

void UnboundWorker::handle_validated(const LookupRef& lookup, DnsAnswerRef answer) {
  policy_.validated(lookup->question().name, *answer);
  finish_(lookup, std::move(answer));
  if (policy_.is_due(Clock::now())) start_probe();
}

void UnboundWorker::look_at_system() {
  const auto system = system_->read_if_changed(Clock::now());
  if (system) use_system(*system);
}

void UnboundWorker::use_system(const SystemNameServers& system) {
  if (system.passed_over != passed_over_) {
    passed_over_ = system.passed_over;
    for (const std::string& line : passed_over_) notify_(fmt::format("{}: {}", resolv_conf_, line));
  }
  // Descriptors or rights are missing: that says nothing about the servers.
  if (system.file == FileText::Status::unreadable || system.servers == upstream_.servers) return;
  std::string names;
  for (const NameServer& server : system.servers) names += ' ' + server.text();
  auto before = std::exchange(upstream_.servers, system.servers);
  policy_.upstream_changed();
  const auto opened = open_contexts();
  if (!opened) {
    notify_(fmt::format("{} has changed, but: {}", resolv_conf_, opened.error().message));
    upstream_.servers = std::move(before);
  } else {
    notify_(fmt::format("{} has changed: asking{}", resolv_conf_, names));
  }
  begin_anew();
}

/// After upstream_changed(): what an old probe or old servers have said does not count any more.
void UnboundWorker::begin_anew() {
  shown_ = policy_.state();
  probe_.reset();
  probing_.reset();
  std::vector<Held> held;
  held.swap(held_);
  for (const auto& [lookup, answer] : held) start(lookup);
}

void UnboundWorker::renew_now(std::optional<Renewal> renewal) {
  if (system_) use_system(system_->read(Clock::now()));
  if (renewal && renewal->anchors != anchors_) {
    anchors_ = std::move(renewal->anchors);
    policy_ = ValidationPolicy(renewal->validation);
    const auto opened = open_contexts();
    if (!opened) notify_(opened.error().message);
    begin_anew();
  }
  policy_.probe_again();
  if (policy_.is_due(Clock::now())) start_probe();
}

}  // namespace authmilter
