#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/aggregate_report.h>
#include <authmilter/domain_name.h>
#include <authmilter/failure_report.h>
#include <authmilter/report_reader.h>
#include <authmilter/report_row.h>
#include <authmilter/reports_config.h>
#include <authmilter/result.h>
#include <authmilter/tls_report.h>

namespace authmilter {

/// Why a store did not do something.
struct StoreError {
  enum class Kind : std::uint8_t {
    later,    // locked, not reachable, full: the same may be done another time
    refused,  // it never will be: of another version, damaged, not ours
  };
  Kind kind = Kind::later;
  std::string message;  // as an Error's
  bool operator==(const StoreError&) const = default;
};
template <class T>
using StoreResult = Result<T, StoreError>;
using StoreStatus = StoreResult<Done>;

/// Tells a batch of rows from all others: who wrote it (random, of one process) and its number
/// there, from 1 upwards. Of one writer they must come in order; one that comes again, because the
/// answer to it was lost, is not counted again.
struct BatchId {
  std::string writer;
  std::uint64_t number = 0;
};

enum class BatchOutcome : std::uint8_t { counted, counted_before };

/// What there is to report: one report is for one policy domain and one day (RFC 9990
/// section 3.1.1).
struct ReportSubject {
  ReportDay day = 0;
  DomainName policy_domain;
  std::uint64_t messages = 0;
};

/// How far a report to one destination is.
enum class SendState : std::uint8_t {
  planned,  // named, not begun
  sending,  // handed to the MTA perhaps: a crash leaves it here
  sent,
  failed,  // not to be tried again
};
std::string_view to_string(SendState state);

/// One report to one destination. What is written here at the plan stays: a retry has the same
/// Report-ID and file name.
struct SendEntry {
  ReportDay day = 0;
  DomainName policy_domain;
  std::string destination;  // "mailto:..."
  std::string report_id;
  std::string file_name;
  SendState state = SendState::planned;
  unsigned attempts = 0;     // how often it has become `sending`
  std::int64_t changed = 0;  // seconds since 1970
  std::string detail = {};   // of the last change, for people
};

/// A destination that has sent a report back.
struct Bounce {
  std::string destination;
  unsigned times = 0;
  std::int64_t last = 0;  // seconds since 1970
  std::string detail = {};
};

/// Where a received report came from.
struct ReportOrigin {
  std::int64_t received = 0;  // seconds since 1970
  std::string submitter;      // the domain of the report mail's author; empty: no mail
  std::string dmarc;          // the mail's own result: "pass", "fail"; empty: not known
  bool doubtful = false;      // whoever sent it may not speak for its organization
};

/// A received aggregate report on its way in. Nothing of it is there before finish() has said
/// `stored`, and nothing if that is never called. A few thousand records are kept in memory; with
/// more of them the store is locked for other writers until the end. One thread at a time; the
/// store must outlive it, and takes nothing else in the meantime.
class AggregateIntake {
 public:
  virtual ~AggregateIntake() = default;
  virtual StoreStatus record(const AggregateRecord& record) = 0;
  /// `duplicate`: somebody else has stored it meanwhile.
  virtual StoreResult<Kept> finish() = 0;
};

/// A received report as the store has it, without its records.
struct ReceivedReport {
  ReportKind kind = ReportKind::aggregate;
  std::string organization, report_id, domain;
  std::int64_t begin = 0, end = 0;
  std::uint64_t records = 0, messages = 0;
  ReportOrigin from;
};

/// Rows for a view: what we saw of others (`own`), or what others saw of us (`received`).
struct ViewQuery {
  enum class Rows : std::uint8_t { own, received };
  /// What is told apart; counts of rows that are equal in these are added up, and their other
  /// members are empty.
  struct Columns {
    bool day = false;
    bool domain = false;        // policy domain
    bool organization = false;  // that reported; own rows have none
    bool source = false;        // address
    bool identifiers = false;   // header_from, envelope_from, dkim, spf
    bool results = false;       // disposition, dkim_aligned, spf_aligned, reasons, rule, decided
  };
  Rows rows = Rows::received;
  Columns by;
  ReportDay first = 0, last = 0;           // both included
  std::optional<std::string> domain = {};  // that policy domain only
};

/// Strings are valid UTF-8, of bounded length, and those of received reports may say anything.
struct ViewRow {
  struct Auth {
    std::string domain, selector, result;  // SPF has no selector
  };
  ReportDay day = 0;
  std::string domain, organization;
  std::string source;
  std::string header_from, envelope_from;
  std::vector<Auth> dkim, spf;
  std::string disposition;  // "none", "pass", "quarantine", "reject"
  bool dkim_aligned = false, spf_aligned = false;
  std::string reasons;  // types, joined by blanks
  std::string rule;     // own rows: which of ours decided, and
  std::string decided;  // what it asked for, in monitor mode too
  bool monitored = false;
  std::uint64_t count = 0;
};

/// A failed session of a TLS report (RFC 8460 section 4.4), summed.
struct TlsViewRow {
  ReportDay day = 0;
  std::string domain, organization;
  std::string policy_type;  // "tlsa", "sts", "no-policy-found"
  std::string result_type;  // empty: sessions that succeeded
  std::string receiving_mx, detail;
  std::uint64_t sessions = 0;
};

enum class Pruned : std::uint8_t {
  done,
  clock_leaps,  // today is far behind all days that the store has: nothing was removed
};

/// One database of reports, behind one seam whatever its engine: rows of messages that came in,
/// what of them is sent to whom, and reports that others have sent. Several processes and hosts may
/// have the same one open. No call waits without limit, and none leaves a part of what it does. One
/// thread at a time. After an error of kind `later` the object goes on: a connection that is gone
/// is made anew by the next call.
class ReportStore {
 public:
  enum class Access : std::uint8_t { read, write };
  /// Opens it, and makes what is not there, or is of an older version, when `access` is `write`. A
  /// database of a newer version is refused.
  static StoreResult<std::unique_ptr<ReportStore>> open(const StoreAddress& address, Access access);
  virtual ~ReportStore() = default;

  virtual unsigned schema_version() const = 0;
  /// Random text that was made with the store, and is the same for all who have it open.
  virtual StoreResult<std::string> secret() = 0;

  /// Adds counts up, all of the batch or nothing.
  virtual StoreResult<BatchOutcome> add(const BatchId& batch, std::span<const ReportRow> rows) = 0;

  /// What has a policy with `rua`, on these days (both included).
  virtual StoreResult<std::vector<ReportSubject>> subjects(ReportDay first, ReportDay last) = 0;
  /// Sorted by policy, so that those of one policy configuration stand together.
  virtual StoreStatus rows(ReportDay day, const DomainName& policy_domain,
                           const std::function<void(const ReportRow&)>& take) = 0;

  /// Writes down what is not there yet, and gives the entries as they stand then.
  virtual StoreResult<std::vector<SendEntry>> plan(std::span<const SendEntry> entries) = 0;
  virtual StoreResult<std::vector<SendEntry>> sends(ReportDay first, ReportDay last) = 0;
  /// False when the entry was no longer in state `from`: somebody else is at it.
  virtual StoreResult<bool> advance(const SendEntry& entry, SendState from, SendState to,
                                    std::int64_t now, std::string_view detail) = 0;
  virtual StoreStatus note_bounce(std::string_view destination, std::int64_t now,
                                  std::string_view detail) = 0;
  virtual StoreStatus forget_bounces(std::string_view destination) = 0;
  virtual StoreResult<std::vector<Bounce>> bounces() = 0;

  /// The key of a report is organization, Report-ID and policy domain. Null when it is there
  /// already; but what came by a mail that passed DMARC, or without one, takes the place of what
  /// nobody has vouched for, and that of what is doubtful, which anybody can send first.
  virtual StoreResult<std::unique_ptr<AggregateIntake>> take(const AggregateReport& report,
                                                             const ReportOrigin& from) = 0;
  virtual StoreResult<Kept> keep(const TlsReport& report, const ReportOrigin& from) = 0;
  /// One message's failure, told by the same submitter, counts once.
  virtual StoreResult<Kept> keep(const FailureReport& report, const ReportOrigin& from) = 0;
  virtual StoreResult<std::vector<ReceivedReport>> received(ReportDay first, ReportDay last) = 0;

  /// In no order.
  virtual StoreStatus view(const ViewQuery& query,
                           const std::function<void(const ViewRow&)>& take) = 0;
  virtual StoreStatus view_tls(ReportDay first, ReportDay last,
                               const std::function<void(const TlsViewRow&)>& take) = 0;

  /// One holder of what is named, for some time: whoever has it does what only one may. Taking it
  /// again prolongs it. False: somebody else has it.
  virtual StoreResult<bool> take_lease(std::string_view name, std::string_view holder,
                                       std::int64_t now, std::chrono::seconds time) = 0;
  virtual StoreStatus release_lease(std::string_view name, std::string_view holder) = 0;

  /// Removes what is older than `kept` days before `today`. A part at a time, so that others get
  /// their turn. Nothing, where `today` may be a clock that is wrong.
  virtual StoreResult<Pruned> prune(ReportDay today, ReportDay kept) = 0;
  /// Makes rows of days before `first_open` small. Nothing is lost by that, and rows may still come
  /// for those days; they take more time to be read. A
  /// store that has no use for that does nothing.
  virtual StoreStatus settle(ReportDay first_open);
};

}  // namespace authmilter
