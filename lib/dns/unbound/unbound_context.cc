#include "dns/unbound/unbound_context.h"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <unbound-event.h>

#include <fmt/format.h>

#include "base/c_handle.h"
#include "dns/unbound/unsigned_names.h"

namespace authmilter {
namespace {

struct Option {
  const char* name;
  const char* value;
};

constexpr Option kOptions[] = {
    // A local resolver is the usual upstream.
    {"do-not-query-localhost:", "no"},
    // What the private and documentation reverse zones hold is the upstream's to say, and nothing
    // there can be signed.
    {"unblock-lan-zones:", "yes"},
    {"insecure-lan-zones:", "yes"},
    // However many sockets there are (see set_size()), no question waits for another's. Nor may one
    // that a server is slow with make others wait on its connection.
    {"num-queries-per-thread:", "2048"},
    {"max-reuse-tcp-queries:", "1"},
    // One thread is at work: a cache in parts would only be more tables.
    {"msg-cache-slabs:", "1"},
    {"rrset-cache-slabs:", "1"},
    {"key-cache-slabs:", "1"},
    {"infra-cache-slabs:", "1"},
    // libunbound backs off from a silent upstream for up to two minutes and remembers that for a
    // quarter of an hour. We have no other upstream, so one that comes back is noticed in seconds.
    {"infra-host-ttl:", "5"},
    // A recursive upstream is slow on names it has to look up first. At libunbound's 50 ms its five
    // tries are over before such an answer comes; at this, they last as long as a query may.
    {"infra-cache-min-rtt:", "400"},
};

// Zones that libunbound would answer by itself. Nameservers that were named are asked everything.
constexpr const char* kLocalZones[] = {
    "test.",
    "invalid.",
    "localhost.",
    "onion.",
    "home.arpa.",
    "resolver.arpa.",
    "service.arpa.",
    "127.in-addr.arpa.",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."};

/// Collects the first failure of a row of calls.
class Calls {
 public:
  void check(int status, std::string_view what) {
    if (status == UB_NOERROR || failure_) return;
    failure_ = Error{fmt::format("{}: {}", what, ub_strerror(status))};
  }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  std::optional<Error> failure_;
};

void set_size(ub_ctx* context, const ContextSize& size, bool validates, Calls& calls) {
  const auto set = [&](const char* name, std::size_t value) {
    calls.check(ub_ctx_set_option(context, name, std::to_string(value).c_str()), name);
  };
  // libunbound's own numbers are for a program that asks one question at a time. Each question has
  // a socket of its own, over TCP too; with fewer than there may be questions, those without an
  // answer make all others wait.
  set("outgoing-range:", size.questions);
  set("outgoing-num-tcp:", size.questions);
  // Our cache of answers is in front; these hold what validation needs in between.
  const std::size_t part = size.cache_octets / 8;
  set("msg-cache-size:", part);
  set("rrset-cache-size:", validates ? 4 * part : 7 * part);
  set("key-cache-size:", validates ? 2 * part : 0);
  set("neg-cache-size:", validates ? part : 0);
}

}  // namespace

Result<UnboundContext> make_unbound_context(EventLoop& loop, const Upstream& upstream,
                                            const TrustAnchors& anchors, const ContextSize& size) {
  if (upstream.servers.empty()) return Error{"libunbound: no name server"};
  // Making a context writes to variables of the library that all contexts share.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  CHandle<ub_ctx, ub_ctx_delete> made(ub_ctx_create_event(loop.base()));
  if (made == nullptr) return Error{"libunbound: no context"};
  UnboundContext context = std::move(made);

  Calls calls;
  calls.check(ub_ctx_debugout(context.get(), nullptr), "libunbound log");
  for (const auto& [name, value] : kOptions)
    calls.check(ub_ctx_set_option(context.get(), name, value), name);
  const bool validates = !anchors.records.empty();
  set_size(context.get(), size, validates, calls);
  calls.check(ub_ctx_set_option(context.get(),
                                "module-config:", validates ? "validator iterator" : "iterator"),
              "module-config:");
  // Never ub_ctx_add_ta_file() or ub_ctx_resolvconf(): what libunbound does about a file that it
  // cannot read is for programs that may end there.
  for (const std::string& record : anchors.records)
    calls.check(ub_ctx_add_ta(context.get(), record.c_str()), "DNSSEC trust anchor");
  if (validates) {
    for (const char* name : kNeverSigned)
      calls.check(ub_ctx_set_option(context.get(), "domain-insecure:", name), name);
  }
  for (const NameServer& server : upstream.servers) {
    const std::string text = server.text();
    calls.check(ub_ctx_set_fwd(context.get(), text.c_str()), text);
  }
  if (calls.failure()) return *calls.failure();

  // The first of these applies the configuration, so that a bad anchor is told here.
  const std::string_view applied = validates ? "DNSSEC trust anchor" : "libunbound";
  calls.check(ub_ctx_zone_remove(context.get(), "authmilter.invalid."), applied);
  if (upstream.source == Upstream::Source::configured) {
    for (const char* zone : kLocalZones) calls.check(ub_ctx_zone_remove(context.get(), zone), zone);
  }
  if (calls.failure()) return *calls.failure();
  return context;
}

}  // namespace authmilter
