#include <authmilter/dns.h>

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "base/locked.h"
#include "dns/answer_cache.h"
#include "dns/lookups.h"
#include "dns/unbound_worker.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;

// More than any mail server asks at a time; beyond it an attack or a dead upstream is at work, and
// each question holds a socket's worth of memory.
constexpr std::size_t kLookupLimit = 2000;

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
        cache_(options.cache_entries),
        lookups_(kLookupLimit) {}

  ~UnboundResolver() override {
    worker_.reset();
    lookups_.finish_all(failed(DnsFault::servfail));
  }

  Status start(WorkerOptions options) {
    auto worker = UnboundWorker::make(
        std::move(options),
        [this](const LookupRef& lookup, DnsAnswerRef answer) {
          const auto now = Clock::now();
          cache_.store(lookup->question(), answer, now);
          observe(*lookup, answer, now - lookup->begun());
          lookups_.finish(lookup, std::move(answer));
        },
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
    const auto now = Clock::now();
    if (auto known = cache_.find(question, now)) return known;
    if (now >= deadline) return failed(DnsFault::limit);
    const auto lookup = join(question, now);
    if (lookup == nullptr) return failed(DnsFault::limit);

    const auto own_deadline = now + timeout_;
    if (auto answer = lookup->wait_until(std::min(own_deadline, deadline))) return answer;
    if (deadline < own_deadline) return failed(DnsFault::limit);
    // Kept for a moment, so that a burst of mail does not wait for the same silence in turn.
    auto silence = failed(DnsFault::timeout);
    observe(*lookup, silence, timeout_);
    cache_.store(question, silence, Clock::now());
    return silence;
  }

  void prefetch(const DnsQuestion& question) override {
    const auto now = Clock::now();
    if (cache_.find(question, now) == nullptr) join(question, now);
  }

 private:
  /// The lookup of a question, started if need be; null when too many are under way.
  LookupRef join(const DnsQuestion& question, Clock::time_point now) {
    auto joined = lookups_.join(question, now);
    if (joined.lookup == nullptr && observer_ != nullptr) observer_->overloaded();
    if (!joined.is_new) return std::move(joined.lookup);
    // It may have been answered since the cache was asked.
    if (auto known = cache_.find(question, now))
      lookups_.finish(joined.lookup, std::move(known));
    else
      worker_->submit(joined.lookup);
    return std::move(joined.lookup);
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
