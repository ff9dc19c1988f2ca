#include <authmilter/dns.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/locked.h"
#include "dns/answer_cache.h"
#include "dns/lookups.h"
#include "dns/unbound_worker.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;

// Where Debian's dns-root-data, and unbound's own maintenance of the anchor, put the root's key.
constexpr const char* kAnchorFiles[] = {"/usr/share/dns/root.key", "/usr/share/dns/root.ds",
                                        "/var/lib/unbound/root.key"};

bool is_readable(const std::string& path) {
  std::ifstream file(path);
  return file.good() && file.peek() != std::ifstream::traits_type::eof();
}

/// Empty when no file is there.
std::string find_anchor_file() {
  for (const char* path : kAnchorFiles) {
    if (is_readable(path)) return path;
  }
  return {};
}

DnsAnswerRef failed(DnsFault fault) {
  return std::make_shared<const DnsAnswer>(DnsAnswer::failed(fault));
}

class UnboundResolver final : public Resolver {
 public:
  explicit UnboundResolver(const UnboundOptions& options)
      : timeout_(options.timeout),
        observer_(options.observer),
        cache_(options.cache_octets),
        lookups_(options.timeout) {}

  ~UnboundResolver() override {
    worker_.reset();
    lookups_.finish_all(failed(DnsFault::servfail));
  }

  Status start(WorkerOptions options) {
    auto worker = UnboundWorker::make(
        std::move(options),
        [this](const LookupRef& lookup, DnsAnswerRef answer) { finish(lookup, std::move(answer)); },
        [this](std::string notice) { notify(std::move(notice)); });
    if (!worker) return worker.error();
    worker_ = std::move(*worker);
    return Done{};
  }

  void notify(std::string text) {
    notice_.with([&](std::string& notice) { notice = std::move(text); });
  }
  std::string take_notice() const {
    return notice_.with([](std::string& notice) { return std::exchange(notice, std::string()); });
  }

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline) override {
    return Message(*this, DnsClient()).resolve(question, deadline);
  }

  void prefetch(const DnsQuestion& question) override {
    const auto now = Clock::now();
    if (cache_.find(question, now) == nullptr)
      join(question, DnsClient(), Use::ahead, now).interest.detach();
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

    DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline) override {
      const auto now = Clock::now();
      const DnsAnswerRef held = known(question);
      // A failure that nobody has waited for may be over by now.
      if (held != nullptr && held->status != DnsStatus::temperror) return held;
      if (auto cached = resolver_.cache_.find(question, now)) return keep(question, cached);
      if (now >= deadline) return held != nullptr ? held : failed(DnsFault::limit);

      auto joined = resolver_.join(question, client_, Use::waiting, now);
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

    void prefetch(const DnsQuestion& question) override {
      const auto now = Clock::now();
      if (interests_.contains(question) || answers_.contains(question)) return;
      if (auto cached = resolver_.cache_.find(question, now)) {
        keep(question, std::move(cached));
        return;
      }
      auto joined = resolver_.join(question, client_, Use::ahead, now);
      if (!joined.refused) interests_[question] = std::move(joined.interest);
    }

   private:
    DnsAnswerRef known(const DnsQuestion& question) const {
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
                       Clock::time_point now) {
    for (const LookupRef& lookup : lookups_.overdue(now)) expire(lookup);
    auto joined = lookups_.join(question, client, use, now);
    if (!joined.is_new) return joined;
    // It may have been answered since the cache was asked.
    if (auto known = cache_.find(question, now))
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
  DnsObserver* const observer_;
  AnswerCache cache_;
  Lookups lookups_;
  mutable Locked<std::string> notice_;
  std::unique_ptr<UnboundWorker> worker_;  // last: its thread uses the others
};

}  // namespace

Result<std::unique_ptr<Resolver>> make_unbound_resolver(const UnboundOptions& options) {
  WorkerOptions worker;
  worker.nameservers = options.nameservers;
  worker.lifetime = options.timeout;
  std::string notice;
  if (options.dnssec != DnssecMode::off) {
    worker.trust_anchor_file = options.trust_anchor_file;
    if (worker.trust_anchor_file.empty()) worker.trust_anchor_file = find_anchor_file();
    const bool found = !worker.trust_anchor_file.empty();
    if (found && !is_readable(worker.trust_anchor_file))
      return Error{fmt::format("{}: cannot be read", worker.trust_anchor_file)};
    if (!found && options.dnssec == DnssecMode::on)
      return Error{"DNSSEC trust anchor: none is installed (package dns-root-data)"};
    if (!found)
      notice = "no DNSSEC trust anchor is installed (dns-root-data): answers are not validated";
    else if (options.dnssec == DnssecMode::on)
      worker.validation = Validation::validating;
    else
      worker.validation = Validation::undecided;
  }

  auto resolver = std::make_unique<UnboundResolver>(options);
  if (!notice.empty()) resolver->notify(std::move(notice));
  const auto started = resolver->start(std::move(worker));
  if (!started) return started.error();
  return std::unique_ptr<Resolver>(std::move(resolver));
}

std::string dnssec_notice(const Resolver& resolver) {
  const auto* unbound = dynamic_cast<const UnboundResolver*>(&resolver);
  return unbound == nullptr ? std::string() : unbound->take_notice();
}

}  // namespace authmilter
