#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <authmilter/report_row.h>
#include <authmilter/report_sending.h>

namespace authmilter {

/// The records of one report (RFC 9990 section 3.1.1.10): one for each address, result and
/// identifiers, with the messages of all rows that a report shows as the same. A plain sum.
class ReportRecords {
 public:
  /// Of a million rows a mail of `[reports] maximum_octets` holds fewer than these, and each takes
  /// some hundred octets of memory.
  static constexpr std::size_t kMostRecords = 200'000;

  explicit ReportRecords(std::size_t most = kMostRecords) : most_(most) {}
  void add(const ReportRow& row);

  /// Most messages first; then in one order, whatever the store's.
  std::vector<AggregateRecord> sorted() const;
  std::uint64_t messages() const { return messages_; }
  /// Of `messages()`, those for which there was no room.
  std::uint64_t messages_left_out() const { return left_out_; }

 private:
  struct Entry {
    AggregateRecord record;
    const std::string* key;  // in `places_`
  };
  std::size_t most_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> places_;
  std::uint64_t messages_ = 0;
  std::uint64_t left_out_ = 0;
};

/// What stands above the records. `left_out` messages are not in the report for want of room.
AggregateReport report_head(const SendEntry& entry, const PolicyInForce& policy,
                            const ReportSender& sender, ReportForm form, std::uint64_t left_out);

/// A report's mail of at most `config.maximum_octets`. RFC 9990 section 3.5.2 names no way to split
/// a report: the records with the fewest messages are left out, and `error` says how many messages
/// these have. An error where not even one record fits.
struct FittedReport {
  OutgoingReport mail;
  std::size_t records = 0;
  std::uint64_t left_out = 0;  // messages
};
Result<FittedReport> fit_report(const ReportRecords& records, const SendEntry& entry,
                                const PolicyInForce& policy, const ReportSender& sender,
                                const ReportsConfig& config,
                                const std::vector<ReportAddress>& recipients,
                                const ReportComposer& compose);

}  // namespace authmilter
