#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/result.h>

namespace authmilter {

/// A name as the DNS itself allows it: labels of 1 to 63 octets of any value, at most 253 octets in
/// text form, ASCII letters in lower case, no escapes. A `.` always separates labels. Wider than
/// DomainName because SPF macros (RFC 7208 section 7.3) and names found in MX and PTR records may
/// hold any octet; such a name is looked up and compared, never logged or printed as a domain. The
/// root name is the empty text.
class DnsName {
 public:
  static std::optional<DnsName> parse(std::string_view text);
  DnsName(const DomainName& name) : text_(name.text()) {}  // NOLINT: every DomainName is one

  const std::string& text() const { return text_; }
  bool is_root() const { return text_.empty(); }
  auto operator<=>(const DnsName&) const = default;

 private:
  explicit DnsName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// The record types that mail authentication asks for; the values are the wire's.
enum class RrType : std::uint16_t { a = 1, ptr = 12, mx = 15, txt = 16, aaaa = 28 };
std::string_view to_string(RrType type);

struct DnsQuestion {
  DnsName name;
  RrType type;
  auto operator<=>(const DnsQuestion&) const = default;
};

/// success: at least one record. no_data: the name exists, without such a record. nxdomain: it does
/// not exist (RFC 8020). temperror: no trustworthy answer; `fault` says why.
enum class DnsStatus : std::uint8_t { success, no_data, nxdomain, temperror };
/// Two are ours: `limit`, a message's query budget or deadline is used up; `overload`, the question
/// was not asked because too many are under way, in all or for one that asks (see DnsShare).
enum class DnsFault : std::uint8_t { none, timeout, servfail, bogus, malformed, limit, overload };
std::string_view to_string(DnsStatus status);
std::string_view to_string(DnsFault fault);
/// The word that SPF, DKIM and DMARC give as the reason of a temperror: "dns-timeout",
/// "dns-servfail" (also for none), "dnssec-bogus", "dns-malformed", "dns-limit", "dns-overload".
/// Stable: policies, logs and people match on it.
std::string_view temperror_reason(DnsFault fault);

/// The question that got no trustworthy answer, and so left a result open.
struct FailedLookup {
  DnsQuestion question;
  DnsFault fault;
  bool operator==(const FailedLookup&) const = default;
};

struct MxRecord {
  std::uint16_t preference = 0;
  DnsName exchange;  // the root name for a null MX (RFC 7505)
  bool operator==(const MxRecord&) const = default;
};

/// What the DNS says to one question, CNAMEs followed. Only the member of the question's type is
/// filled.
struct DnsAnswer {
  DnsStatus status = DnsStatus::temperror;
  DnsFault fault = DnsFault::none;
  bool secure = false;  // validated by DNSSEC
  std::chrono::seconds ttl{0};
  std::vector<IpAddress> addresses;  // a, aaaa
  std::vector<MxRecord> exchanges;   // mx, in order of preference
  std::vector<DnsName> names;        // ptr
  std::vector<std::string>
      texts;  // txt: the strings of each record joined without a separator; any octet

  bool void_lookup() const {  // RFC 7208 section 4.6.4
    return status == DnsStatus::no_data || status == DnsStatus::nxdomain;
  }
  static DnsAnswer failed(DnsFault why) {
    DnsAnswer answer;
    answer.fault = why;
    return answer;
  }
};

/// Answers are immutable and shared between the cache and the messages that use them.
using DnsAnswerRef = std::shared_ptr<const DnsAnswer>;
using Deadline = std::chrono::steady_clock::time_point;
constexpr Deadline kNoDeadline = Deadline::max();

/// On whose behalf the DNS is asked: the client that brought the message. Its share of the look-ups
/// under way is counted by its address (IPv6: its /64) and by its network (IPv4 /24, IPv6 /48).
/// Clients whose address is not known are one client.
class DnsClient {
 public:
  DnsClient() = default;
  explicit DnsClient(const std::optional<IpAddress>& address) : address_(address) {}
  const std::optional<IpAddress>& address() const { return address_; }

 private:
  std::optional<IpAddress> address_;
};

/// Looks names up. Process-wide implementations are thread-safe; decorators made for one message
/// (budget, recording) belong to that message.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  /// Blocks until the answer is there, this resolver's own time limit has passed or `deadline` is
  /// reached; the last two are a temperror. Never null, never throws for anything the network does.
  virtual DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline) = 0;
  DnsAnswerRef resolve(const DnsQuestion& question) { return resolve(question, kNoDeadline); }

  /// Starts a lookup whose answer will probably be needed, if there is room for such. Never blocks.
  virtual void prefetch(const DnsQuestion& question) = 0;

  /// This resolver as one message of `client` uses it, for one thread at a time. What the message
  /// asks for counts against the client's share while it is under way, the answers stay with the
  /// message whatever their time to live, and what is still under way when the view is destroyed
  /// ends, unless others want it too. Null where no view is needed: the resolver itself will do.
  /// Must not outlive the resolver.
  virtual std::unique_ptr<Resolver> for_message(const DnsClient&) { return nullptr; }
};

/// Answers from RFC 1035 master files in memory. Immutable once built, so thread-safe.
/// CNAMEs are followed within the zones; wildcards (RFC 4592) and empty non-terminals work.
/// `out_of_zone` (may be null, must outlive this) is asked for names that the zones do not hold
/// and that are below none of their SOA records; without it such names do not exist.
struct ZoneFile {
  std::string name;  // for error messages
  std::string text;
};
Result<std::unique_ptr<Resolver>> make_zone_resolver(const std::vector<ZoneFile>& files,
                                                     Resolver* out_of_zone = nullptr);

/// For tests: the zone `text`, and names that answer with a fault for every type they have no
/// record of. A bad text throws std::invalid_argument.
struct ZoneFault {
  std::string name;
  DnsFault fault;
};
std::unique_ptr<Resolver> make_test_resolver(std::string_view text,
                                             const std::vector<ZoneFault>& faults = {});

enum class DnssecMode : std::uint8_t { automatic, on, off };

/// What is shared out: the table of all look-ups under way; the part of it that one client, one
/// network of clients, and one parent of names may have: all names below the same two labels, and
/// below the same three.
enum class DnsShare : std::uint8_t { table, client, network, domain, subdomain };
std::string_view to_string(DnsShare share);

/// Is told, for statistics, what becomes of the questions that are sent to name servers. Called
/// from several threads at once and in the midst of mail, so it must be quick.
class DnsObserver {
 public:
  virtual ~DnsObserver() = default;
  /// Once for each question sent. Without an answer within the time limit of a query it has failed
  /// by `timeout`, whatever comes later.
  virtual void answered(const DnsAnswer& answer, std::chrono::microseconds after) noexcept = 0;
  /// A question that a message of `client` waits for was not sent, because `share` is used up.
  virtual void overloaded(DnsShare share, const DnsClient& client) noexcept = 0;
};

struct UnboundOptions {
  std::vector<std::string> nameservers;  // "ADDR" or "ADDR@PORT"; empty: the system's
  DnssecMode dnssec = DnssecMode::automatic;
  std::chrono::milliseconds timeout{5000};  // of one query
  std::size_t cache_octets = 32 << 20;      // of memory, for the answers that we keep
  std::string trust_anchor_file = "";       // empty: Debian's dns-root-data where it is installed
  std::string resolv_conf = "/etc/resolv.conf";  // names the system's servers
  DnsObserver* observer = nullptr;               // may be null, must outlive the resolver
};
/// Validating stub on libunbound with one resolver thread and a bounded cache of answers;
/// thread-safe. The system's name servers are read again when their file changes. See
/// dns_health.h.
Result<std::unique_ptr<Resolver>> make_unbound_resolver(const UnboundOptions& options);

/// One message's part of a resolver: at most `max_queries` different questions, and at most
/// `waiting_time` spent waiting in resolve() altogether (a sender that dawdles over the body does
/// not use it up); beyond either every answer is a temperror with fault `limit`. A question already
/// answered costs nothing. Remembers its answers, and holds what it has asked for (see
/// Resolver::for_message()). For one thread at a time.
class BudgetResolver final : public Resolver {
 public:
  BudgetResolver(Resolver& inner, std::size_t max_queries, std::chrono::milliseconds waiting_time,
                 const DnsClient& client = DnsClient());
  ~BudgetResolver() override;
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline) override;
  using Resolver::resolve;
  void prefetch(const DnsQuestion& question) override;

  std::size_t queries() const;
  bool limit_reached() const;
  /// Time spent waiting in resolve().
  std::chrono::microseconds waited() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes down what was asked and answered, for explanations. For one thread at a time.
class RecordingResolver final : public Resolver {
 public:
  struct Entry {
    DnsQuestion question;
    DnsAnswerRef answer;
    std::chrono::microseconds waited{0};  // for the answer
  };
  explicit RecordingResolver(Resolver& inner) : inner_(inner) {}
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline) override;
  using Resolver::resolve;
  void prefetch(const DnsQuestion& question) override { inner_.prefetch(question); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  Resolver& inner_;
  std::vector<Entry> entries_;
};

}  // namespace authmilter
