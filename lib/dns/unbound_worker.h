#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include <authmilter/dns.h>

#include "base/locked.h"
#include "dns/event_loop.h"
#include "dns/lookups.h"
#include "dns/unbound_context.h"

namespace authmilter {

/// Whether answers are validated. `undecided`: automatic, and the upstream has not shown yet
/// whether it passes signatures on.
enum class Validation { undecided, validating, plain };

struct WorkerOptions {
  std::vector<std::string> nameservers;
  std::string trust_anchor_file;  // needed unless plain
  Validation validation = Validation::plain;
  std::chrono::milliseconds lifetime{5000};  // of a lookup
};

/// The resolver thread: owns the libunbound contexts and all their queries.
///
/// While undecided it asks for the root's DNSKEY with validation, and the questions themselves
/// without. What is answered meanwhile waits for the root: when that validates, the questions are
/// asked again with validation; when it does not although the upstream answers, validation is
/// impossible through it and the answers count as they are. The root is tried again later.
class UnboundWorker {
 public:
  /// With a null answer the worker has ended a lookup that nobody waits for any more.
  using Finish = std::function<void(const LookupRef&, DnsAnswerRef)>;
  using Notify = std::function<void(std::string)>;

  /// Both functions are called on the worker's thread.
  static Result<std::unique_ptr<UnboundWorker>> make(WorkerOptions options, Finish finish,
                                                     Notify notify);
  UnboundWorker(const UnboundWorker&) = delete;
  UnboundWorker& operator=(const UnboundWorker&) = delete;
  ~UnboundWorker();

  /// From any thread.
  void submit(LookupRef lookup);

 private:
  using Clock = std::chrono::steady_clock;
  enum class Purpose { plain, validating, probe };
  struct Query {
    UnboundWorker* worker;
    Purpose purpose;
    LookupRef lookup;  // null for the probe
    DnsAnswer answer = DnsAnswer::failed(DnsFault::servfail);
    std::list<Query>* home = nullptr;
    std::list<Query>::iterator self = {};

    bool is_left_over(Clock::time_point now, Clock::duration lifetime) const {
      return lookup != nullptr && (lookup->is_over() || now - lookup->begun() >= lifetime);
    }
  };
  /// Contexts that get no more questions, until what is wanted of them has come.
  struct Retired {
    std::list<Query> queries;
    UnboundContext plain;
    UnboundContext validating;
  };
  struct Held {
    LookupRef lookup;
    DnsAnswerRef answer;
  };

  UnboundWorker(WorkerOptions options, Finish finish, Notify notify);
  void run() noexcept;
  void run_once();

  void end_what_is_left_over();
  bool renew_contexts();

  void start(const LookupRef& lookup);
  void ask(Purpose purpose, const LookupRef& lookup);
  static void on_result(void* data, int rcode, void* packet, int size, int security, char* why,
                        int rate_limited) noexcept;
  void handle(const Query& query);
  void handle_plain(const LookupRef& lookup, DnsAnswerRef answer);

  bool probe_running() const { return probe_since_ != Clock::time_point::max(); }
  bool start_probe();
  void handle_probe(const DnsAnswer& answer);
  void settle(Validation validation);

  const WorkerOptions options_;
  const Finish finish_;
  const Notify notify_;

  EventLoop loop_;
  UnboundContext plain_;
  UnboundContext validating_;
  Validation validation_;
  std::list<Query> queries_;  // libunbound has their addresses
  std::list<Retired> retired_;
  Clock::time_point next_look_ = Clock::time_point::min();
  std::list<Query> answered_;  // not handled yet
  std::vector<Held> held_;
  Clock::time_point probe_since_ = Clock::time_point::max();
  Clock::time_point next_probe_ = Clock::time_point::min();
  bool noticed_ = false;

  Locked<std::vector<LookupRef>> submitted_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace authmilter
