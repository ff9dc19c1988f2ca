#pragma once

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
#include <authmilter/config.h>
#include <authmilter/domain_name.h>
#include <authmilter/failure_spool.h>
#include <authmilter/policy_record.h>
#include <authmilter/report_store.h>
#include <authmilter/resolver.h>
#include <authmilter/result.h>

namespace authmilter {

/// Whoever reports: what of the configuration stands in each report.
struct ReportSender {
  std::string organization;
  std::string email;  // its author; what comes back goes there
  std::string contact;
  std::string generator;  // "authmilter 1.2.3"
  DomainName domain;      // of `email`
  /// The name of this receiver in file names, subjects and Report-IDs: the host's, if it is below
  /// `domain` and the store its own, so that reports of several hosts about one day stay apart;
  /// else `domain`.
  DomainName submitter;
  /// Of the store, by which its Report-IDs are made; send_reports() and rehearse_reports() look it
  /// up there.
  std::string secret = {};
  /// The error names the setting that is missing or wrong.
  static Result<ReportSender> of(const Config& config);
};

/// A report to one destination as a mail: envelope and octets with CRLF line ends.
struct OutgoingReport {
  std::vector<std::string> recipients;  // mailboxes
  std::string octets;
  bool operator==(const OutgoingReport&) const = default;
};

/// What whoever carries mail has made of one.
struct Carried {
  enum class State : std::uint8_t {
    done,     // it is theirs now
    later,    // the same may be tried again
    refused,  // the destination does not take it
    unknown,  // they may have it or not
  };
  State state = State::later;
  std::string detail = {};  // one line, for people
  bool operator==(const Carried&) const = default;
};

/// Hands mail to the MTA, whole or not at all.
class ReportCarrier {
 public:
  virtual ~ReportCarrier() = default;
  virtual Carried carry(const OutgoingReport& mail) = 0;
};

/// As `[reports] deliver` says. `program` runs in a process of its own that gets the mail whole: it
/// takes the mail even if this process ends meanwhile. A server speaks of its certificate only if
/// it is to be reached by smtps and is not this host: a certificate is more than what mail between
/// strangers has.
std::unique_ptr<ReportCarrier> make_report_carrier(const ReportDelivery& delivery,
                                                   const ReportSender& sender);

/// Where one entry of the store stands after something was done for it.
struct EntryProgress {
  SendState state = SendState::planned;
  std::string detail = {};
  bool operator==(const EntryProgress&) const = default;
};

/// Does for one entry what must not be done by halves: writes down that it begins, hands the mail
/// over and writes down what came of it.
class ReportHandOver {
 public:
  virtual ~ReportHandOver() = default;
  virtual StoreResult<EntryProgress> hand_over(const SendEntry& entry, const OutgoingReport& mail,
                                               std::int64_t now) = 0;
};

/// The same in this process. Both must outlive it.
class DirectHandOver final : public ReportHandOver {
 public:
  DirectHandOver(ReportStore& store, ReportCarrier& carrier) : store_(store), carrier_(carrier) {}
  StoreResult<EntryProgress> hand_over(const SendEntry& entry, const OutgoingReport& mail,
                                       std::int64_t now) override;

 private:
  ReportStore& store_;
  ReportCarrier& carrier_;
};

/// What an MTA says of a report that it could not deliver (RFC 3464).
struct ReturnedReport {
  std::string report_id;
  std::string recipient;  // a mailbox; may be empty
  std::string reason;     // one line of printable ASCII
  /// For good; otherwise it is tried again, or was delivered after all.
  bool failed = false;
  bool operator==(const ReturnedReport&) const = default;
};
/// Of a mail that an MTA has written about one with a Report-ID for its Message-ID; nothing for any
/// other.
std::optional<ReturnedReport> returned_report(std::string_view mail);

/// Writes down that a report came back: its entry has failed, and the destination is left alone for
/// a while. The entry, or nothing where there is no such report of ours. Anybody can write such a
/// mail, and whoever gets our reports knows their Report-IDs; so a destination is never given up
/// for good.
StoreResult<std::optional<SendEntry>> note_returned(ReportStore& store,
                                                    const ReturnedReport& returned,
                                                    std::int64_t now);

/// Makes the mail of a report, signed if it is to be. An error is about this report alone.
using ReportComposer = std::function<Result<OutgoingReport>(
    const AggregateReport& report, std::span<const AggregateRecord> records, const SendEntry& entry,
    const std::vector<ReportAddress>& recipients)>;

/// What a run did for one report to one destination.
struct SendLine {
  SendEntry entry;  // `state` and `detail` as they are now
  std::uint64_t messages = 0;
  std::uint64_t records = 0;
  std::vector<std::string> recipients = {};  // mailboxes, as verified
};

/// What a run is about. `now` is in seconds since 1970, all days are UTC days.
struct SendPeriod {
  std::int64_t now = 0;
  std::optional<ReportDay> day = {};      // that one; it must be over
  std::optional<DomainName> domain = {};  // this policy domain only
};

/// How a run came out.
struct SendOutcome {
  std::vector<SendLine> lines;
  std::vector<std::string> notes;          // what people should know, one line each
  std::optional<StoreError> trouble = {};  // that ended the run
  bool elsewhere = false;                  // another host or process is sending
  bool stopped = false;                    // asked to, before the end
};

/// All that a run needs. What it refers to must outlive it.
struct SendRun {
  ReportStore& store;
  Resolver& resolver;
  const ReportsConfig& config;
  const ReportSender& sender;
  ReportComposer compose;
  /// Told after each entry, with the number of those that are done and of all.
  std::function<void(const SendLine&, std::size_t, std::size_t)> progress = nullptr;
  std::function<bool()> stop = nullptr;  // true: begin with no other entry
};

/// Sends what is to be sent: plans each closed day once, then hands over what is planned, and what
/// a crash has left behind, under the names that were planned. One run at a time among all that
/// share the store: it has a lease with `holder` in it, whose time is the clock's (`clock` in
/// seconds since 1970), whatever `period.now` is.
SendOutcome send_reports(const SendRun& run, ReportHandOver& hand_over, const SendPeriod& period,
                         std::string_view holder, const std::function<std::int64_t()>& clock);

/// What a run did for one kind of failure and one destination.
struct FailureLine {
  std::string domain;
  std::string destination;
  std::vector<std::string> recipients = {};  // as verified
  std::uint64_t incidents = 0;
  SendState state = SendState::planned;
  std::string detail = {};
};
struct FailureOutcome {
  std::vector<FailureLine> lines;
  std::string trouble = {};  // that ended the run
};

/// Makes the mail of a failure report (RFC 9991).
using FailureComposer =
    std::function<Result<OutgoingReport>(const FailureReport& report, const std::string& message_id,
                                         const std::vector<ReportAddress>& recipients)>;

/// Sends the failures that have waited long enough for others like them: to destinations that have
/// agreed, to each so many an hour as `[reports] failure_reports_per_hour` says; what is too much
/// waits, and is dropped after a day. A crash between a mail and the note of it sends that one
/// again: what counts are ways to fail, not how often.
FailureOutcome send_failures(FailureSpool& spool, const SendRun& run,
                             const FailureComposer& compose, ReportCarrier& carrier,
                             std::int64_t now, const std::function<std::int64_t()>& clock);

/// As send_reports(), without writing anything into the store, nor handing anything over: what is
/// made is given to `take`. Destinations are verified.
SendOutcome rehearse_reports(
    const SendRun& run, const SendPeriod& period,
    const std::function<Status(const SendLine&, const OutgoingReport&)>& take);

}  // namespace authmilter
