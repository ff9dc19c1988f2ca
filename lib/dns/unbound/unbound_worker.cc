#include "dns/unbound/unbound_worker.h"

#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <map>
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
constexpr int kTypeSoa = 6;
constexpr int kTypeDnskey = 48;
constexpr int kNameError = 3;
constexpr int kBogus = 1;  // the event interface's numbers
constexpr int kSecure = 2;

constexpr auto kIdle = 60s;

// libunbound goes on with a question, silence or not, for about a minute after nobody wants the
// answer any more, and each holds a socket. With this many of them the contexts are replaced.
constexpr std::ptrdiff_t kLeftOver = 400;
constexpr auto kLookAgain = 100ms;

// The room for questions that a context begins with, and what it has once many are under way: as
// many as there may be look-ups. It takes 12 MiB, so it is given back when they have been few for
// some time.
constexpr unsigned kQuestions = 256;
constexpr unsigned kMostQuestions = 2048;
constexpr auto kBusy = 60s;

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

/// A new context every time: libunbound remembers for a while that a key could not be had.
void UnboundWorker::start_probe() {
  auto context = make_context(anchors_);
  policy_.began(Clock::now());
  if (!context) return conclude(ValidationProbe::Verdict::unknown);
  probing_ = std::move(*context);
  probing_questions_ = questions_;
  probe_.emplace();
  ++probe_run_;
  upstream_answered_ = !held_.empty();
  for (const auto& question : ValidationProbe::questions()) {
    Query query;
    query.worker = this;
    query.purpose = Purpose::probe;
    query.probe = ProbeQuestion{probe_run_, question};
    const bool control = question.kind == ValidationProbe::Kind::control;
    query.context = control ? plain_ : probing_;
    const bool root = question.kind == ValidationProbe::Kind::root_key;
    const auto domain = std::string(ValidationProbe::kDomains[question.domain]) + ".";
    send(std::move(query), root ? "." : domain, control ? kTypeSoa : kTypeDnskey);
  }
}

void UnboundWorker::handle_probe(const Query& query) {
  if (!probe_ || query.probe->run != probe_run_) return;
  probe_->answered(query.probe->question, query.outcome);
  const auto verdict = probe_->verdict();
  if (!verdict) return;
  // It failed, but began before anything was answered: the upstream may just have come up.
  const bool too_early = *verdict == ValidationProbe::Verdict::unknown && !held_.empty() &&
                         policy_.state() == Validation::undecided && !upstream_answered_;
  if (too_early) return start_probe();
  conclude(*verdict);
}

void UnboundWorker::conclude(ValidationProbe::Verdict verdict) {
  const Validation before = policy_.state();
  policy_.ended(
      verdict, Clock::now(),
      held_.empty() ? ValidationPolicy::Upstream::unknown : ValidationPolicy::Upstream::answers);
  shown_ = policy_.state();
  if (verdict == ValidationProbe::Verdict::works) {
    if (probing_questions_ != questions_) {
      if (auto roomier = make_context(anchors_)) probing_ = std::move(*roomier);
    }
    validating_ = std::move(probing_);
  }
  if (policy_.state() == Validation::plain) validating_.reset();
  any_retired_ = true;
  probing_.reset();
  probe_.reset();
  notice_change(before, verdict);
  if (policy_.state() != Validation::undecided) finish_held();
}

void UnboundWorker::notice_change(Validation before, ValidationProbe::Verdict verdict) {
  if (policy_.state() == before) return;
  if (policy_.state() == Validation::validating) {
    if (before == Validation::plain)
      notify_("nameservers pass DNSSEC signatures: answers are validated");
    return;
  }
  switch (verdict) {
    case ValidationProbe::Verdict::works:
      return;
    case ValidationProbe::Verdict::stripped:
      return notify_("nameservers strip DNSSEC signatures: answers are not validated");
    case ValidationProbe::Verdict::cut_off:
      return notify_(
          "nameservers pass the DNSSEC keys of the root, but not what leads below it (DS, DNSKEY): "
          "answers are not validated");
    case ValidationProbe::Verdict::unknown:
      return notify_(
          "nameservers answer, but not for the DNSSEC keys of the root: answers are not validated");
  }
}

void UnboundWorker::finish_held() {
  std::vector<Held> held;
  held.swap(held_);
  for (auto& [lookup, answer] : held) {
    if (policy_.state() == Validation::validating)
      ask(Purpose::validating, lookup);
    else
      finish_(lookup, std::move(answer));
  }
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
