#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <authmilter/arc.h>
#include <authmilter/crypto.h>
#include <authmilter/dkim.h>
#include <authmilter/dmarc.h>
#include <authmilter/dns_observer.h>
#include <authmilter/policy.h>
#include <authmilter/rotation.h>
#include <authmilter/sign.h>
#include <authmilter/spf.h>
#include <authmilter/token_health.h>

#include "metrics/key_times.h"

namespace authmilter {

/// The limits that a message or a flood of them can reach. The enumerators are also what the manual
/// page calls them, with hyphens.
enum class Limit : std::uint8_t {
  header,
  recipients,
  signatures,
  signed_names,
  body_lengths,
  arc_sets,
  arc_keys,
  spf_lookups,
  spf_void_lookups,
  spf_mx,
  spf_record,
  dmarc_identifiers,
  dns_queries,
  dns_time,
  dns_pending,
};
inline constexpr std::array<std::string_view, 15> kLimits = {
    "header",     "recipients",        "signatures",  "signed-names",     "body-lengths",
    "arc-sets",   "arc-keys",          "spf-lookups", "spf-void-lookups", "spf-mx",
    "spf-record", "dmarc-identifiers", "dns-queries", "dns-time",         "dns-pending"};

/// What became of received messages as far as reports go: a message that is spooled is stored
/// later.
enum class ReportFate : std::uint8_t { stored, spooled, dropped };
inline constexpr std::array<std::string_view, 3> kReportFates = {"stored", "spooled", "dropped"};

/// Why an outgoing message can have no signature, and why one can be delayed.
inline constexpr SigningReason kUnsignedReasons[] = {SigningReason::no_key,
                                                     SigningReason::sender_mismatch,
                                                     SigningReason::judged_before,
                                                     SigningReason::signed_before,
                                                     SigningReason::no_author_domain,
                                                     SigningReason::multiple_from_fields,
                                                     SigningReason::multiple_author_domains,
                                                     SigningReason::invalid_author_domain,
                                                     SigningReason::malformed_field_name,
                                                     SigningReason::bare_cr_in_header,
                                                     SigningReason::broken_fold_in_header,
                                                     SigningReason::header_limit_exceeded};
inline constexpr SigningReason kDelayReasons[] = {SigningReason::header_limit_exceeded,
                                                  SigningReason::keys_unusable,
                                                  SigningReason::signing_failed};

/// What the daemon counts, always, whether anyone asks or not. Nothing but atomics and the times of
/// the keys, so that it can live in memory that several processes share.
struct Metrics {
  using Count = std::atomic<std::uint64_t>;

  /// Counts durations by their upper bounds.
  struct Histogram {
    static constexpr std::array<std::chrono::microseconds, 12> kBounds = {
        std::chrono::microseconds(1'000),     std::chrono::microseconds(2'500),
        std::chrono::microseconds(5'000),     std::chrono::microseconds(10'000),
        std::chrono::microseconds(25'000),    std::chrono::microseconds(50'000),
        std::chrono::microseconds(100'000),   std::chrono::microseconds(250'000),
        std::chrono::microseconds(500'000),   std::chrono::microseconds(1'000'000),
        std::chrono::microseconds(2'500'000), std::chrono::microseconds(5'000'000)};
    std::array<Count, kBounds.size() + 1> buckets{};  // the last one: longer than all of them
    Count microseconds = 0;

    void count(std::chrono::microseconds time);
    std::uint64_t total() const;
    /// The seconds that the share `share` (above 0) of the durations does not exceed, as Prometheus
    /// estimates them: evenly spread within each bucket. The largest bound stands for that and
    /// more; nothing when nothing was counted.
    std::optional<double> quantile(double share) const;
  };

  /// What each process has for itself: its configuration and its descriptors.
  struct Process {
    Count good_reloads = 0;
    Count bad_reloads = 0;
    Count last_reload_good = 1;
    Count last_good_time = 0;  // of the configuration in force, seconds since 1970
    Count monitor_mode = 0;
    Count open_descriptors = 0;
    Count descriptor_limit = 0;
    Count messages_in_hand = 0;  // now, between MAIL and the verdict
    Count dns_validating = 0;    // answers are validated with DNSSEC
    Count signing_faults = 0;    // of files of signing.directory
    Count unavailable_keys = 0;  // now, those in tokens that are away
    // Of [reports], now.
    Count report_waiting = 0;       // messages whose rows wait in memory
    Count report_spooled = 0;       // and in the spool
    Count report_store_failed = 0;  // 1 when the last try to store something failed
  };
  /// More sockets than anyone has; those beyond share the last place.
  static constexpr std::size_t kProcesses = 64;

  std::array<Count, 6> messages{};   // by Disposition: what became of it
  std::array<Count, 6> decisions{};  // by Disposition: what the policy said
  std::array<Count, static_cast<std::size_t>(Rule::internal) + 1> rules{};
  Count overrides = 0;               // decisions that an override took
  Count aborted_messages = 0;        // that the MTA gave up before the verdict
  std::array<Count, 7> spf{};        // by SpfResult, the MAIL FROM identity
  std::array<Count, 7> dkim{};       // by DkimResult, each signature; none: a message without one
  std::array<Count, 5> dmarc{};      // by DmarcResult
  std::array<Count, 3> arc{};        // by ArcResult; none: a message without a chain
  std::array<Count, 6> seals{};      // by SealState; off and key_not_read are not counted
  std::array<Count, kLimits.size()> limits{};
  std::array<Count, 2> signatures{};  // made, by KeyType
  Count signed_messages = 0;
  std::array<Count, 3> fragile_messages{};    // of those, by Fragility
  std::array<Count, 16> unsigned_messages{};  // by SigningReason
  std::array<Count, 16> signing_failures{};   // by SigningReason
  Count tls_refusals = 0;                     // of MAIL, network.require_tls
  Count internal_errors = 0;
  Count connections = 0;
  Count open_connections = 0;   // now
  Count busy_microseconds = 0;  // of our own work and waiting, all messages
  Count dns_wait_microseconds = 0;
  Count dns_questions = 0;               // of messages
  Histogram dns_queries;                 // sent to name servers
  std::array<Count, 7> dns_failures{};   // of those, by DnsFault
  std::array<Count, 5> dns_overloads{};  // questions not sent, by DnsShare
  // What a DnsWatch says of the last minutes, of all processes together.
  Count dns_recent_queries = 0;
  std::array<Count, 7> dns_recent_failures{};        // by DnsFault
  std::array<Count, 7> dns_trouble{};                // 1 for the DnsFault that it is in
  std::array<Count, kTokenFaults> token_failures{};  // signatures not made, by TokenFault
  // Of the keys that have a state file; see KeyStateWatch.
  std::array<Count, 4> rotation_keys{};  // by KeyState
  Count rotation_lost_records = 0;       // of keys in use
  Count rotation_unreadable_states = 0;
  Count rotation_oldest_look = 0;  // of domains whose keys are changing, seconds since 1970; or 0
  std::array<Count, kReportFates.size()> report_messages{};  // by ReportFate
  std::array<Process, kProcesses> processes{};
  KeyTimes keys;

  Process& process(std::size_t number) {
    return processes[number < kProcesses ? number : kProcesses - 1];
  }
  const Process& process(std::size_t number) const {
    return processes[number < kProcesses ? number : kProcesses - 1];
  }

  std::uint64_t messages_in_hand() const;

  /// Metrics in memory that child processes share; null when there is none. Never freed: threads of
  /// libmilter use it to the last.
  static Metrics* make_shared();

  static void add(Count& count, std::uint64_t number = 1) {
    count.fetch_add(number, std::memory_order_relaxed);
  }
  template <std::size_t Size, class Enum>
  static void count(std::array<Count, Size>& counts, Enum value) {
    const auto at = static_cast<std::size_t>(value);
    if (at < Size) add(counts[at]);
  }
};
static_assert(Metrics::Count::is_always_lock_free, "shared between processes");

/// Counts what a resolver asks, and remembers what the log has to be told. Borrows the metrics.
class DnsMetrics final : public DnsObserver {
 public:
  explicit DnsMetrics(Metrics& metrics) : metrics_(metrics) {}
  void answered(const DnsAnswer& answer, std::chrono::microseconds after) noexcept override;
  void overloaded(DnsShare share, const DnsClient& client) noexcept override;

  /// Questions that were not sent since this was called before.
  struct Overload {
    DnsShare share;
    std::uint64_t questions = 0;
    std::optional<IpAddress> client;  // the last one
  };
  std::vector<Overload> take_overloads();

 private:
  Metrics& metrics_;
  std::mutex mutex_;
  std::map<DnsShare, Overload> overloads_;
};

}  // namespace authmilter
