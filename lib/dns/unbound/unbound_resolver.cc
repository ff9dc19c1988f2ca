#include <authmilter/unbound_resolver.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <utility>

#include <fmt/format.h>

#include <authmilter/dns_health.h>

#include "base/ascii.h"
#include "base/locked.h"
#include "dns/unbound/answer_cache.h"
#include "dns/unbound/lookups.h"
#include "dns/unbound/trust_anchor.h"
#include "dns/unbound/unbound_worker.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;

DnsAnswerRef failed(DnsFault fault) {
  return std::make_shared<const DnsAnswer>(DnsAnswer::failed(fault));
}

// Notices that nobody has taken yet. Beyond them the oldest is lost.
constexpr std::size_t kNotices = 16;

/// libunbound's part of the memory for answers: of no more it has any use behind our own cache.
std::size_t octets_of_libunbound(std::size_t octets) {
  constexpr std::size_t kMost = 16 << 20;
  return std::min(octets / 4, kMost);
}

/// What the configuration wants of validation, and what there is for it.
struct Anchoring {
  TrustAnchors anchors;
  Validation validation = Validation::plain;
  std::string notice;  // when it is automatic and not to be had
};

/// Reads the trust anchor. An error only where validation is demanded.
Result<Anchoring> read_anchors(DnssecMode mode, const std::string& configured) {
  if (mode == DnssecMode::off) return Anchoring{};
  const bool demanded = mode == DnssecMode::on;
  const std::string path = configured.empty() ? find_trust_anchor_file() : configured;
  const auto refused = [&](const std::string& why) -> Result<Anchoring> {
    if (demanded) return Error{"DNSSEC trust anchor: " + why};
    Anchoring none;
    none.notice = "DNSSEC trust anchor: " + why;
    return none;
  };
  if (path.empty()) return refused("none is installed (package dns-root-data)");
  auto anchors = read_trust_anchors(path);
  if (!anchors) return refused(anchors.error().message);
  return Anchoring{
      std::move(*anchors), demanded ? Validation::validating : Validation::undecided, {}};
}

class UnboundResolver final : public Resolver {
 public:
  explicit UnboundResolver(const UnboundOptions& options)
      : timeout_(options.timeout),
        dnssec_(options.dnssec),
        trust_anchor_file_(options.trust_anchor_file),
        observer_(options.observer),
        cache_(options.cache_octets - octets_of_libunbound(options.cache_octets)),
        lookups_(options.timeout) {}

  ~UnboundResolver() override {
    worker_.reset();
    lookups_.finish_all(failed(DnsFault::servfail));
  }

  Status start(WorkerOptions options) {
    had_anchor_ = !options.anchors.records.empty();
    auto worker = UnboundWorker::make(
        std::move(options),
        [this](const LookupRef& lookup, DnsAnswerRef answer) { finish(lookup, std::move(answer)); },
        [this](std::string notice) { notify(std::move(notice)); });
    if (!worker) return worker.error();
    worker_ = std::move(*worker);
    return Done{};
  }

  void notify(std::string text) {
    notices_.with([&](auto& notices) {
      if (notices.size() == kNotices) notices.pop_front();
      notices.push_back(std::move(text));
    });
  }
  std::string take_notice() const {
    return notices_.with([](auto& notices) {
      if (notices.empty()) return std::string();
      auto first = std::move(notices.front());
      notices.pop_front();
      return first;
    });
  }

  Validation validation() const { return worker_->validation(); }

  Status renew() {
    auto anchoring = read_anchors(dnssec_, trust_anchor_file_);
    if (!anchoring) return anchoring.error();
    // An anchor that has become unusable is not taken over.
    if (!anchoring->notice.empty() && !had_anchor_) notify(without_validation(anchoring->notice));
    if (!anchoring->notice.empty() && had_anchor_)
      notify(anchoring->notice + ": the one in force stays");
    std::optional<UnboundWorker::Renewal> renewal;
    if (!anchoring->anchors.records.empty()) {
      had_anchor_ = true;
      renewal = {std::move(anchoring->anchors), anchoring->validation};
    }
    worker_->renew(std::move(renewal));
    return Done{};
  }

  static std::string without_validation(const std::string& notice) {
    return notice + ": answers are not validated";
  }

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override {
    return Message(*this, DnsClient()).resolve(question, deadline, freshness);
  }

  void prefetch(const DnsQuestion& question) override {
    const auto now = Clock::now();
    if (cache_.find(question, now) == nullptr)
      join(question, DnsClient(), Use::ahead, now, Freshness::cached).interest.detach();
  }

  DnsAnswerRef known(const DnsQuestion& question) override {
    return cache_.find(question, Clock::now());
  }

  std::unique_ptr<Resolver> for_message(const DnsClient& client) override {
    return std::make_unique<Message>(*this, client);
  }

 private:
  /// The resolver as one message uses it: keeps what the message has asked for.
  class Message final : public Resolver {
   public:
    Message(UnboundResolver& resolver, const DnsClient& client)
        : resolver_(resolver), client_(client) {}

    DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                         Freshness freshness) override {
      const auto now = Clock::now();
      const bool is_fresh = freshness == Freshness::fresh;
      const DnsAnswerRef held = is_fresh ? nullptr : own(question);
      // A failure that nobody has waited for may be over by now.
      if (held != nullptr && held->status != DnsStatus::temperror) return held;
      auto cached = is_fresh ? nullptr : resolver_.cache_.find(question, now);
      if (cached != nullptr) return keep(question, std::move(cached));
      if (now >= deadline) return held != nullptr ? held : failed(DnsFault::limit);

      auto joined = resolver_.join(question, client_, Use::waiting, now, freshness);
      if (joined.refused) {
        resolver_.refused(*joined.refused, client_);
        return failed(DnsFault::overload);
      }
      // Also the end of an interest from before; the look-up has this one now.
      Lookups::Interest& interest = interests_[question] = std::move(joined.interest);
      const LookupRef lookup = interest.lookup();
      const auto own_deadline = lookup->begun() + resolver_.timeout_;
      if (auto answer = lookup->wait_until(std::min(own_deadline, deadline)))
        return keep(question, std::move(answer));
      if (!lookup->is_over() && deadline < own_deadline) {
        interest.stop_waiting();
        return failed(DnsFault::limit);
      }
      resolver_.expire(lookup);
      const auto late = lookup->answer();
      return keep(question, late != nullptr ? late : failed(DnsFault::timeout));
    }

    DnsAnswerRef known(const DnsQuestion& question) override {
      if (auto held = own(question)) return held;
      return resolver_.cache_.find(question, Clock::now());
    }

    void prefetch(const DnsQuestion& question) override {
      const auto now = Clock::now();
      if (interests_.contains(question) || answers_.contains(question)) return;
      if (auto cached = resolver_.cache_.find(question, now)) {
        keep(question, std::move(cached));
        return;
      }
      auto joined = resolver_.join(question, client_, Use::ahead, now, Freshness::cached);
      if (!joined.refused) interests_[question] = std::move(joined.interest);
    }

   private:
    DnsAnswerRef own(const DnsQuestion& question) const {
      if (const auto found = answers_.find(question); found != answers_.end()) return found->second;
      const auto asked = interests_.find(question);
      return asked == interests_.end() ? nullptr : asked->second.lookup()->answer();
    }
    DnsAnswerRef keep(const DnsQuestion& question, DnsAnswerRef answer) {
      interests_.erase(question);
      return answers_.insert_or_assign(question, std::move(answer)).first->second;
    }

    UnboundResolver& resolver_;
    const DnsClient client_;
    std::map<DnsQuestion, Lookups::Interest> interests_;
    std::map<DnsQuestion, DnsAnswerRef> answers_;
  };

  /// The lookup of a question, started if need be.
  Lookups::Joined join(const DnsQuestion& question, const DnsClient& client, Use use,
                       Clock::time_point now, Freshness freshness) {
    for (const LookupRef& lookup : lookups_.overdue(now)) expire(lookup);
    auto joined = lookups_.join(question, client, use, now, freshness);
    if (!joined.is_new) return joined;
    // It may have been answered since the cache was asked.
    auto known = freshness == Freshness::fresh ? nullptr : cache_.find(question, now);
    if (known != nullptr)
      lookups_.finish(joined.interest.lookup(), std::move(known));
    else
      worker_->submit(joined.interest.lookup());
    return joined;
  }

  void refused(DnsShare share, const DnsClient& client) {
    if (observer_ != nullptr) observer_->overloaded(share, client);
  }

  /// The worker is done with it; without an answer when it had to break off.
  void finish(const LookupRef& lookup, DnsAnswerRef answer) {
    if (answer != nullptr) {
      const auto now = Clock::now();
      cache_.store(lookup->question(), answer, now);
      observe(*lookup, answer, now - lookup->begun());
    }
    lookups_.finish(lookup, std::move(answer));
  }

  void expire(const LookupRef& lookup) {
    auto silence = failed(DnsFault::timeout);
    if (!lookups_.expire(lookup, silence)) return;
    observe(*lookup, silence, timeout_);
    // Kept for a moment, so that a burst of mail does not wait for the same silence in turn.
    cache_.store(lookup->question(), silence, Clock::now());
  }

  /// Counts a question once, whoever else waits for it, and also when its answer comes late.
  void observe(Lookup& lookup, const DnsAnswerRef& answer, Clock::duration after) {
    if (observer_ == nullptr || !lookup.take_ending()) return;
    const auto time = std::chrono::duration_cast<std::chrono::microseconds>(after);
    if (time > timeout_) {
      observer_->answered(DnsAnswer::failed(DnsFault::timeout), time);
    } else {
      observer_->answered(*answer, time);
    }
  }

  const std::chrono::milliseconds timeout_;
  const DnssecMode dnssec_;
  const std::string trust_anchor_file_;
  std::atomic<bool> had_anchor_ = false;
  DnsObserver* const observer_;
  AnswerCache cache_;
  Lookups lookups_;
  mutable Locked<std::deque<std::string>> notices_;
  std::unique_ptr<UnboundWorker> worker_;  // last: its thread uses the others
};

}  // namespace

Result<std::unique_ptr<Resolver>> make_unbound_resolver(const UnboundOptions& options) {
  WorkerOptions worker;
  worker.nameservers = options.nameservers;
  worker.resolv_conf = options.resolv_conf;
  worker.lifetime = options.timeout;
  worker.cache_octets = octets_of_libunbound(options.cache_octets);
  auto anchoring = read_anchors(options.dnssec, options.trust_anchor_file);
  if (!anchoring) return anchoring.error();
  worker.anchors = std::move(anchoring->anchors);
  worker.validation = anchoring->validation;

  auto resolver = std::make_unique<UnboundResolver>(options);
  if (!anchoring->notice.empty())
    resolver->notify(UnboundResolver::without_validation(anchoring->notice));
  const auto started = resolver->start(std::move(worker));
  if (!started) return started.error();
  return std::unique_ptr<Resolver>(std::move(resolver));
}

std::string dnssec_notice(const Resolver& resolver) {
  const auto* unbound = dynamic_cast<const UnboundResolver*>(&resolver);
  return unbound == nullptr ? std::string() : unbound->take_notice();
}

ValidationStatus validation_status(const Resolver& resolver) {
  const auto* unbound = dynamic_cast<const UnboundResolver*>(&resolver);
  if (unbound == nullptr) return ValidationStatus::off;
  switch (unbound->validation()) {
    case Validation::undecided:
      return ValidationStatus::undecided;
    case Validation::validating:
      return ValidationStatus::on;
    case Validation::plain:
      return ValidationStatus::off;
  }
  return ValidationStatus::off;
}

Status renew_upstream(Resolver& resolver) {
  auto* unbound = dynamic_cast<UnboundResolver*>(&resolver);
  if (unbound == nullptr) return Done{};
  return unbound->renew();
}

}  // namespace authmilter
