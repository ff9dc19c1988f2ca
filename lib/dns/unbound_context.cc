#include "dns/unbound_context.h"

#include <charconv>
#include <mutex>
#include <string_view>

#include <fmt/format.h>

#include <authmilter/ip_address.h>

#include "base/ascii.h"

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
    // libunbound's own numbers are for a program that asks one question at a time. Each question
    // has a socket of its own; with fewer than there may be questions, those without an answer make
    // all others wait.
    {"outgoing-range:", "2048"},
    {"num-queries-per-thread:", "2048"},
    {"outgoing-num-tcp:", "32"},
    // Our cache of answers is in front; these hold what validation needs in between.
    {"msg-cache-size:", "4m"},
    {"rrset-cache-size:", "8m"},
    {"key-cache-size:", "4m"},
    {"neg-cache-size:", "1m"},
    // libunbound backs off from a silent upstream for up to two minutes and remembers that for a
    // quarter of an hour. We have no other upstream, so one that comes back is noticed in seconds.
    {"infra-host-ttl:", "5"},
    // A recursive upstream is slow on names it has to look up first. At libunbound's 50 ms its five
    // tries are over before such an answer comes; at this, they last as long as a query may.
    {"infra-cache-min-rtt:", "400"},
};

// RFC 6761, RFC 7686, RFC 8375 and names in private use: the root says that they do not exist, an
// upstream that serves one of them all the same cannot have signed it.
constexpr const char* kNeverSigned[] = {"test.",  "invalid.",  "localhost.", "onion.",
                                        "local.", "internal.", "home.arpa."};

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

bool is_nameserver(std::string_view text) {
  const auto at = text.find('@');
  if (!IpAddress::parse(text.substr(0, at))) return false;
  if (at == std::string_view::npos) return true;
  const auto port = text.substr(at + 1);
  unsigned number = 0;
  const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), number);
  return failure == std::errc() && end == port.data() + port.size() && number >= 1 &&
         number <= 65535;
}

}  // namespace

Result<UnboundContext> make_unbound_context(EventLoop& loop,
                                            const std::vector<std::string>& nameservers,
                                            const std::string& trust_anchor_file) {
  for (const auto& nameserver : nameservers) {
    if (!is_nameserver(nameserver))
      return Error{fmt::format("nameserver \"{}\" is not ADDRESS or ADDRESS@PORT",
                               printable(nameserver, 64))};
  }

  // Making a context writes to variables of the library that all contexts share.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  UnboundContext context(ub_ctx_create_ub_event(loop.base()));
  if (context == nullptr) return Error{"libunbound: no context"};

  Calls calls;
  calls.check(ub_ctx_debugout(context.get(), nullptr), "libunbound log");
  for (const auto& [name, value] : kOptions)
    calls.check(ub_ctx_set_option(context.get(), name, value), name);
  const bool validates = !trust_anchor_file.empty();
  calls.check(ub_ctx_set_option(context.get(),
                                "module-config:", validates ? "validator iterator" : "iterator"),
              "module-config:");
  if (validates) {
    calls.check(ub_ctx_add_ta_file(context.get(), trust_anchor_file.c_str()), trust_anchor_file);
    for (const char* name : kNeverSigned)
      calls.check(ub_ctx_set_option(context.get(), "domain-insecure:", name), name);
  }
  for (const auto& nameserver : nameservers)
    calls.check(ub_ctx_set_fwd(context.get(), nameserver.c_str()), nameserver);
  if (nameservers.empty())
    calls.check(ub_ctx_resolvconf(context.get(), nullptr), "/etc/resolv.conf");
  if (calls.failure()) return *calls.failure();

  // The first of these applies the configuration, so that a bad anchor is told here.
  const std::string_view applied = validates ? std::string_view(trust_anchor_file) : "libunbound";
  calls.check(ub_ctx_zone_remove(context.get(), "authmilter.invalid."), applied);
  if (!nameservers.empty()) {
    for (const char* zone : kLocalZones) calls.check(ub_ctx_zone_remove(context.get(), zone), zone);
  }
  if (calls.failure()) return *calls.failure();
  return context;
}

}  // namespace authmilter
