#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <authmilter/aggregate_report.h>
#include <authmilter/policy.h>
#include <authmilter/policy_record.h>

namespace authmilter {

struct MessageRecord;
struct ReportsConfig;

/// The days of reports: UTC days (RFC 9990 section 3.1.1 has them begin at 00:00), counted from
/// 1970-01-01.
using ReportDay = std::int32_t;
constexpr std::int64_t kDaySeconds = 86'400;
/// Of a time in seconds since 1970.
ReportDay report_day(std::int64_t time);

/// The policy that a message was judged by. What the record leaves out has its default, so that two
/// records which mean the same are the same.
struct PolicyInForce {
  /// As a report repeats it: every member is set but `pct`. `domain` is where the record was found;
  /// `p`, `sp` and `np` are as acted on, so none where one of them is not valid.
  PolicyPublished published;
  PsdFlag psd = PsdFlag::u;
  std::vector<std::string> rua, ruf;  // ReportAddress::uri(), in the order published
  std::string error = {};  // what is wrong with the record, for `error`; printable ASCII, bounded
  bool operator==(const PolicyInForce&) const = default;
};

/// One kind of received message on one day, and how many there were: what an aggregate report says
/// of it (RFC 9990 section 3.1.1), and what we made of it. No part of an address in front of its
/// "@" is in here. A plain value.
struct ReportRow {
  ReportDay day = 0;
  /// Nothing: no policy applies, and nobody is told. Then `record` has header_from, the address,
  /// what became of it, and SPF's result without a domain.
  std::optional<PolicyInForce> policy = {};
  /// As a report has it, DKIM results in its order. `source_ip` is the client's, or of the one
  /// before it where that is a forwarder of ours. `envelope_to` is empty unless `[reports] keep`
  /// asks for it. `disposition` is what happened: a message that is tagged is quarantined, in the
  /// words of RFC 9989 section 4.7 ("flag as suspicious").
  AggregateRecord record = {};
  Rule rule = Rule::nothing;                  // of ours that decided
  Disposition decided = Disposition::accept;  // by it
  bool monitored = false;                     // and monitor mode kept it from happening
  bool operator==(const ReportRow&) const = default;
};

/// RFC 9990 section 3.1.1: a report should have no more DKIM results of a message.
constexpr std::size_t kReportDkim = 100;

/// What of a message goes into reports; nothing for a message of ours, one that has no Author
/// Domain, one that the MTA will bring again (tempfail), one whose policy the DNS did not tell, and
/// one that `config` excludes. Pure.
std::optional<ReportRow> report_row(const MessageRecord& record, const ReportsConfig& config);

/// Rows, added up as they come: those that are equal but for their count become one. One thread at
/// a time.
class RowSums {
 public:
  /// What a row is found by; costs more than adding it, so it can be had elsewhere.
  static std::string key_of(const ReportRow& row);
  /// False, and nothing is added, for one that would be new when there are `most` already.
  bool add(const std::string& key, ReportRow&& row, std::size_t most);
  std::size_t size() const { return rows_.size(); }
  std::uint64_t messages() const { return messages_; }
  /// All of them, after which there are none.
  std::vector<ReportRow> take();

 private:
  std::unordered_map<std::string, ReportRow> rows_;
  std::uint64_t messages_ = 0;
};

}  // namespace authmilter
