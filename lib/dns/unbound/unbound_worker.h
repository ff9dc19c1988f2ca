#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <authmilter/dns_answer.h>
#include <authmilter/name_server.h>

#include "base/locked.h"
#include "dns/resolv_conf.h"
#include "dns/unbound/event_loop.h"
#include "dns/unbound/lookups.h"
#include "dns/unbound/trust_anchor.h"
#include "dns/unbound/unbound_context.h"
#include "dns/unbound/validation_probe.h"

namespace authmilter {

struct WorkerOptions {
  std::vector<NameServer> nameservers;  // empty: the system's, which resolv_conf names
  std::string resolv_conf;
  TrustAnchors anchors;                       // needed unless plain
  Validation validation = Validation::plain;  // undecided: automatic
  std::chrono::milliseconds lifetime{5000};   // of a lookup
  std::size_t cache_octets = 8 << 20;         // of memory, for what libunbound keeps
};

/// The resolver thread: owns the libunbound contexts and all their queries.
///
/// While it is undecided whether validation can work through the upstream (ValidationPolicy), the
/// questions are asked without it and a probe runs beside them. What is answered meanwhile waits
/// for the probe: when that says that it works, the questions are asked again with validation;
/// otherwise the answers count as they are.
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
  /// From any thread: see renew_upstream(). `anchors`: those in force from now on, for
  /// `validation`.
  struct Renewal {
    TrustAnchors anchors;
    Validation validation;
  };
  void renew(std::optional<Renewal> renewal);
  Validation validation() const { return shown_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Purpose : std::uint8_t { plain, validating, probe };
  /// That a context begins with room for.
  static constexpr unsigned kQuestions = 256;
  struct ProbeQuestion {
    std::uint64_t run;
    ValidationProbe::Question question;
  };
  struct Query {
    UnboundWorker* worker;
    Purpose purpose;
    UnboundContext context;              // null: it has ended
    LookupRef lookup;                    // null for a probe's
    std::optional<ProbeQuestion> probe;  // for those
    DnsAnswer answer = DnsAnswer::failed(DnsFault::servfail);
    ProbeOutcome outcome = ProbeOutcome::failed;
    std::list<Query>::iterator self = {};
  };
  struct Held {
    LookupRef lookup;
    DnsAnswerRef answer;
  };

  UnboundWorker(WorkerOptions options, Finish finish, Notify notify);
  Status open_contexts();
  void run() noexcept;
  void run_once();

  bool is_current(const UnboundContext& context) const;
  bool is_left_over(const Query& query, Clock::time_point now) const;
  void end_what_is_left_over();
  void end_queries_of(const ub_ctx* context);

  void make_room();
  void give_room_back();

  void start(const LookupRef& lookup);
  void ask(Purpose purpose, const LookupRef& lookup);
  Result<UnboundContext> make_context(const TrustAnchors& anchors);
  UnboundContext context_for(Purpose purpose, Freshness freshness);
  void send(Query query, const std::string& name, int type);
  static void on_result(void* data, int rcode, void* packet, int size, int security, char* why,
                        int rate_limited) noexcept;
  void handle(const Query& query);
  void handle_plain(const LookupRef& lookup, DnsAnswerRef answer);
  void handle_validated(const LookupRef& lookup, DnsAnswerRef answer);

  void start_probe();
  void handle_probe(const Query& query);
  void conclude(ValidationProbe::Verdict verdict);
  void notice_change(Validation before, ValidationProbe::Verdict verdict);
  void finish_held();

  void look_at_system();
  void use_system(const SystemNameServers& system);
  void renew_now(std::optional<Renewal> renewal);
  void begin_anew();

  const std::string resolv_conf_;
  const std::chrono::milliseconds lifetime_;
  const std::size_t cache_octets_;
  const Finish finish_;
  const Notify notify_;
  Upstream upstream_;
  TrustAnchors anchors_;
  std::optional<ResolvConfWatch> system_;  // without configured name servers
  std::vector<std::string> passed_over_;   // of the system's file

  EventLoop loop_;
  ValidationPolicy policy_;
  UnboundContext plain_;
  UnboundContext validating_;
  UnboundContext probing_;
  std::optional<ValidationProbe> probe_;  // under way
  std::uint64_t probe_run_ = 0;
  bool upstream_answered_ = false;  // when it began
  std::list<Query> queries_;        // libunbound has their addresses
  unsigned questions_;              // that a context has room for
  unsigned probing_questions_ = 0;  // and that of the probe
  Clock::time_point busy_until_ = Clock::time_point::min();
  Clock::time_point next_look_ = Clock::time_point::min();
  bool any_retired_ = false;   // contexts with queries that get no more of them
  std::list<Query> answered_;  // not handled yet
  std::vector<Held> held_;

  Locked<std::vector<LookupRef>> submitted_;
  Locked<std::vector<std::optional<Renewal>>> renewals_;
  std::atomic<Validation> shown_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace authmilter
