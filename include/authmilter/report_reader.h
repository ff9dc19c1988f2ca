#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/aggregate_report.h>
#include <authmilter/failure_report.h>
#include <authmilter/result.h>
#include <authmilter/tls_report.h>

namespace authmilter {

/// What a report can grow to before it is refused. The defaults are what `authmilter report ingest`
/// has; tests take less.
struct ReportLimits {
  /// Of a file or of a mail, which stands in memory: three times what Postfix takes by default.
  std::size_t input_octets = 32U << 20U;
  /// Of what one file or mail unpacks to, all together.
  std::uint64_t unpacked_octets = 512U << 20U;
  /// Unpacked octets for each packed one, above the first 16 MB. Published reports have 100, a
  /// report of one row again and again 200; a bomb of zeros has 1030, which is all that deflate
  /// can.
  std::uint64_t unpacked_ratio = 400;
  /// Reports in one file or mail: RFC 9990 section 3.5.2 has one.
  std::size_t reports = 64;
  std::uint64_t records = 1'000'000;
  /// Messages or sessions that one report counts: more than the Internet has in a day. A stranger's
  /// word, added up with that of others over years: a million of such reports fit in 64 bits, where
  /// a database would answer no question about any domain any more.
  std::uint64_t messages = 1'000'000'000'000;
  /// Periods end before this, in seconds since 1970: now, and a day for clocks that are wrong.
  std::int64_t latest_end = 253'402'300'799;
};

/// The mail that a report came in, as far as it says who sent it. All empty for a bare file.
struct ReportMail {
  /// There was one, whatever it leaves out.
  bool there = false;
  std::optional<DomainName> author_domain;
  std::string subject;
  std::string message_id;
  /// The bodies of its Authentication-Results fields, topmost first; whose they are, and which of
  /// them to believe, is the caller's to know.
  std::vector<std::string> authentication_results;
};

/// Whether a store had a report already.
enum class Kept : std::uint8_t { stored, duplicate };

/// Takes what is read. An aggregate report comes in pieces: begin() with all but the records, then
/// record() for each, then end(), or abandon() when what follows cannot be read: then nothing of it
/// may stay. begin() answers `duplicate` to get no
/// records and no end(); end() does where somebody else has stored it meanwhile. An error is the
/// store's own trouble and stops the reading; the report is to be read again later. Reports come
/// one after the other, on the thread of the reader.
class ReportSink {
 public:
  virtual ~ReportSink() = default;
  virtual Result<Kept> begin(const AggregateReport& report, const ReportMail& mail) = 0;
  virtual Status record(const AggregateRecord& record) = 0;
  virtual Result<Kept> end() = 0;
  virtual void abandon() noexcept = 0;
  virtual Result<Kept> keep(const TlsReport& report, const ReportMail& mail) = 0;
  virtual Result<Kept> keep(const FailureReport& report, const ReportMail& mail) = 0;
};

enum class ReportKind : std::uint8_t { aggregate, failure, smtp_tls };
/// As it is printed: "smtp-tls".
std::string_view to_string(ReportKind kind);

/// What became of one report: `rejected` cannot be read, now or later, and `failed` could not be
/// stored, and should come again.
struct ReportOutcome {
  enum class Status : std::uint8_t { stored, duplicate, rejected, failed };
  Status status = Status::rejected;
  std::optional<ReportKind> kind;  // as far as it came to that
  std::string organization;
  std::string report_id;
  std::string domain;      // the policy domain; of a failure report the reported one
  std::int64_t begin = 0;  // of a failure report both are when the message came
  std::int64_t end = 0;
  std::uint64_t records = 0;
  std::uint64_t messages = 0;      // of TLS reports: sessions
  std::string reason;              // one line, where it was not stored
  std::vector<std::string> notes;  // what was mended or left out, one line each; a few
};
std::string_view to_string(ReportOutcome::Status status);

/// Reads what a file or a mail holds: a report as it is, gzipped or in a zip, once more in base64,
/// or a mail with such in its parts. What it is, its first octets say, never a name or a type.
/// Holds little more in memory than `octets`, however much is packed in there. Never empty: where
/// there is no report, one outcome says so.
std::vector<ReportOutcome> read_reports(std::string_view octets, const ReportLimits& limits,
                                        ReportSink& sink);

}  // namespace authmilter
