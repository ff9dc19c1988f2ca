#include "store/received.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <authmilter/crypto.h>
#include <authmilter/failure_report_mail.h>

#include "base/words.h"
#include "rows/row_text.h"

namespace authmilter {
namespace {

// Records before the database is locked for others: reports with more are rare.
constexpr std::size_t kHeld = 5000;
// A stranger's claim. So many messages in each of a million records are still a number.
constexpr std::uint64_t kMostMessages = 1'000'000'000'000;
constexpr std::size_t kNameOctets = 255;
constexpr std::size_t kTextOctets = 1000;
// Of a record: RFC 9990 section 3.1.1 asks writers for no more.
constexpr std::size_t kResults = kReportDkim;

constexpr Word<ReportKind> kKinds[] = {{ReportKind::aggregate, "aggregate"},
                                       {ReportKind::failure, "failure"},
                                       {ReportKind::smtp_tls, "smtp-tls"}};

/// What a report is found by, and what is said of it in a list.
struct Heading {
  ReportKind kind = ReportKind::aggregate;
  std::string organization, report_id, domain;
  std::int64_t begin = 0, end = 0;
  std::string published;  // of an aggregate report
};

/// The day that most of its period is of.
ReportDay day_of(std::int64_t begin, std::int64_t end) {
  return report_day(begin + (end - begin) / 2);
}

/// How far it is believed that it comes from whom it names.
enum class Trust : std::uint8_t {
  doubtful,      // whoever sent it may not speak for its organization
  unvouched,     // nobody of ours has said what DMARC says of the mail
  authenticated  // RFC 9990 section 3.5.2: by a mail that has passed; or the administrator's word
};
Trust trust_in(const ReportOrigin& from) {
  if (from.doubtful) return Trust::doubtful;
  return from.submitter.empty() || from.dmarc == "pass" ? Trust::authenticated : Trust::unvouched;
}

/// A stranger's name as it is stored. What is too long ends in a hash of all of it, so that two
/// names do not become one.
std::string name_text(std::string_view name) {
  if (name.size() <= kNameOctets) return sql_text(name, kNameOctets);
  std::string hash = "~";
  for (const std::uint8_t octet : sha256(name)) hash += fmt::format("{:02x}", octet);
  return sql_text(name, kNameOctets - hash.size()) + hash;
}

/// Four values that a report is found by.
SqlValues key_of(const Heading& heading) {
  return {std::string(word_of(kKinds, heading.kind)), name_text(heading.organization),
          name_text(heading.report_id), name_text(heading.domain)};
}

struct StoredReport {
  std::int64_t id = 0;
  Trust trust = Trust::doubtful;
};
SqlResult<std::optional<StoredReport>> find_report(SqlDatabase& database, const Heading& heading) {
  std::optional<StoredReport> found;
  auto asked = database.query(
      "SELECT id, submitter, dmarc, doubtful FROM received_report WHERE sort = $1 AND organization "
      "= $2 AND report_id = $3 AND domain = $4",
      key_of(heading), [&](const SqlRow& row) {
        found = {row.integer(0), trust_in({0, row.text(1), row.text(2), row.integer(3) != 0})};
      });
  if (!asked) return asked.error();
  return found;
}

/// False when somebody else has taken it away already.
SqlResult<bool> remove_report(SqlDatabase& database, std::int64_t id) {
  // First what only one of two that do this at a time can do.
  const auto removed = database.run("DELETE FROM received_report WHERE id = $1", {id});
  if (!removed) return removed.error();
  if (*removed == 0) return false;
  for (const std::string_view sql :
       {"DELETE FROM received_row WHERE report = $1", "DELETE FROM tls_row WHERE report = $1",
        "DELETE FROM failure_row WHERE report = $1"}) {
    if (auto done = database.run(sql, {id}); !done) return done.error();
  }
  return true;
}

/// In a transaction. Its number; nothing when it is there already. Anybody can send a report in
/// somebody's name before he does it himself, so what is believed more takes the other's place.
SqlResult<std::optional<std::int64_t>> put_heading(SqlDatabase& database, const Heading& heading,
                                                   const ReportOrigin& from) {
  const auto stored = find_report(database, heading);
  if (!stored) return stored.error();
  if (*stored) {
    if ((*stored)->trust >= trust_in(from)) return std::optional<std::int64_t>();
    const auto removed = remove_report(database, (*stored)->id);
    if (!removed) return removed.error();
    if (!*removed) return std::optional<std::int64_t>();
  }
  SqlValues values = key_of(heading);
  for (SqlValue& value :
       SqlValues{std::int64_t{day_of(heading.begin, heading.end)}, heading.begin, heading.end,
                 from.received, name_text(from.submitter), name_text(from.dmarc),
                 std::int64_t{from.doubtful ? 1 : 0}, heading.published})
    values.push_back(std::move(value));
  const auto put = database.run(
      "INSERT INTO received_report (sort, organization, report_id, domain, day, begins, ends, "
      "records, messages, received, submitter, dmarc, doubtful, published) VALUES ($1, $2, $3, $4, "
      "$5, $6, $7, 0, 0, $8, $9, $10, $11, $12) ON CONFLICT (sort, organization, report_id, "
      "domain) DO NOTHING",
      values);
  if (!put) return put.error();
  if (*put == 0) return std::optional<std::int64_t>();
  const auto made = find_report(database, heading);
  if (!made) return made.error();
  if (!*made) return SqlError{SqlError::Kind::busy, "a report has been removed meanwhile"};
  return std::optional((*made)->id);
}

SqlStatus put_sums(SqlDatabase& database, std::int64_t id, std::uint64_t records,
                   std::uint64_t messages) {
  const auto put =
      database.run("UPDATE received_report SET records = $1, messages = $2 WHERE id = $3",
                   {static_cast<std::int64_t>(records), static_cast<std::int64_t>(messages), id});
  if (!put) return put.error();
  return Done{};
}

/// Of `policy_published`, for a view: what the reporter saw in the DNS.
std::string published_text(const PolicyPublished& published) {
  return sql_text(policy_text({.published = published}), kTextOctets);
}

/// The record as a row that we might have written ourselves.
ReportRow row_of(const AggregateRecord& record) {
  ReportRow row;
  row.record = record;
  auto& copy = row.record;
  if (copy.dkim_results.size() > kResults) copy.dkim_results.resize(kResults);
  if (copy.spf_results.size() > kResults) copy.spf_results.resize(kResults);
  if (copy.reasons.size() > kResults) copy.reasons.resize(kResults);
  return row;
}

std::uint64_t bounded(std::uint64_t messages) { return std::min(messages, kMostMessages); }

Heading heading_of(const AggregateReport& report) {
  const ReportMetadata& metadata = report.metadata;
  return {ReportKind::aggregate,
          metadata.org_name,
          metadata.report_id,
          report.policy_published.domain.text(),
          metadata.begin,
          metadata.end,
          published_text(report.policy_published)};
}

/// Of "Jane Doe <jane.doe@example.org>"; empty where there is none.
std::string_view domain_in(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return {};
  address.remove_prefix(at + 1);
  return address.substr(0, address.find_first_of("> \t,;()\""));
}

/// A TLS report may be about several domains, and is one report all the same.
Heading heading_of(const TlsReport& report) {
  const std::string domain = report.policies.empty() ? "" : report.policies.front().policy_domain;
  return {ReportKind::smtp_tls,
          report.organization_name,
          report.report_id,
          domain,
          report.begin,
          report.end,
          ""};
}

/// It has no name of its own. The message that failed has one, mostly, and one message may fail for
/// several reasons.
Heading heading_of(const FailureReport& report, const ReportOrigin& from) {
  const std::int64_t time = report.arrival_date.value_or(from.received);
  const std::string what =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", time, report.original_message_id,
                  report.source_ip ? report.source_ip->text() : "", report.original_mail_from,
                  report.original_rcpt_to, report.authentication_results, report.original_header);
  return {ReportKind::failure,
          from.submitter.empty() ? report.user_agent : from.submitter,
          fmt::format("{}-{}", time, text_hash(what)),
          report.reported_domain ? report.reported_domain->text() : "",
          time,
          time,
          ""};
}

}  // namespace

SqlResult<bool> has_report(SqlDatabase& database, const AggregateReport& report,
                           const ReportOrigin& from) {
  const auto stored = find_report(database, heading_of(report));
  if (!stored) return stored.error();
  return *stored && (*stored)->trust >= trust_in(from);
}

Intake::Intake(SqlDatabase& database, KnownTexts& known, AggregateReport report, ReportOrigin from)
    : database_(database),
      known_(known),
      report_(std::move(report)),
      from_(std::move(from)),
      day_(day_of(report_.metadata.begin, report_.metadata.end)) {}

SqlStatus Intake::record(const AggregateRecord& record) {
  if (duplicate_) return Done{};
  std::string content = sql_text(kind_text(row_of(record)), kKindOctets);
  // Of no policy, as our own rows of no policy are: what they say is the same.
  const std::int64_t hash = text_hash("received\n" + content);
  held_.push_back({{hash, 0, day_, std::move(content)},
                   source_octets(record.source_ip),
                   bounded(record.count)});
  ++records_;
  messages_ += bounded(record.count);
  return held_.size() < kHeld ? SqlStatus(Done{}) : write();
}

SqlStatus Intake::write() {
  if (!transaction_) {
    transaction_ = std::make_unique<SqlTransaction>(database_);
    if (!transaction_->begun()) return transaction_->begun();
    const auto id = put_heading(database_, heading_of(report_), from_);
    if (!id) return id.error();
    if (!*id) {
      duplicate_ = true;
      transaction_.reset();
      return Done{};
    }
    id_ = **id;
    const auto no_policy = put_no_policy(database_, known_, day_);
    if (!no_policy) return no_policy.error();
    no_policy_ = *no_policy;
  }
  std::vector<KindText> kinds;
  std::vector<SqlValues> rows;
  for (Held& held : held_) {
    held.kind.policy_hash = no_policy_;
    rows.push_back(
        {id_, std::move(held.source), static_cast<std::int64_t>(held.messages), held.kind.hash});
    kinds.push_back(std::move(held.kind));
  }
  held_.clear();
  if (auto put = put_kinds(database_, known_, std::move(kinds)); !put) return put;
  const auto put = database_.run_each(
      "INSERT INTO received_row (report, kind, source, messages) SELECT $1, k.id, $2, $3 FROM kind "
      "k WHERE k.hash = $4 ON CONFLICT (report, kind, source) DO UPDATE SET messages = "
      "received_row.messages + excluded.messages",
      rows);
  if (!put) return put.error();
  if (*put != rows.size())
    return SqlError{SqlError::Kind::busy, "a kind of rows has been removed meanwhile"};
  return Done{};
}

SqlResult<Kept> Intake::finish() {
  if (!duplicate_) {
    if (auto written = write(); !written) return written.error();
  }
  if (duplicate_) return Kept::duplicate;
  if (auto put = put_sums(database_, id_, records_, messages_); !put) return put.error();
  if (auto done = transaction_->commit(); !done) return done.error();
  return Kept::stored;
}

SqlResult<Kept> keep_report(SqlDatabase& database, const TlsReport& report,
                            const ReportOrigin& from) {
  SqlTransaction transaction(database);
  if (!transaction.begun()) return transaction.begun().error();
  const auto id = put_heading(database, heading_of(report), from);
  if (!id) return id.error();
  if (!*id) return Kept::duplicate;
  std::vector<SqlValues> rows;
  std::uint64_t sessions = 0;
  const auto add = [&](const TlsPolicyReport& policy, std::string_view result, std::string_view mx,
                       std::string_view detail, std::uint64_t count) {
    if (count == 0) return;
    rows.push_back({**id, sql_text(policy.policy_domain, kNameOctets),
                    std::string(to_string(policy.type)), sql_text(result, kNameOctets),
                    sql_text(mx, kNameOctets), sql_text(detail, kTextOctets),
                    static_cast<std::int64_t>(bounded(count))});
    sessions += bounded(count);
  };
  for (const TlsPolicyReport& policy : report.policies) {
    add(policy, "", "", "", policy.successful_sessions);
    std::uint64_t told = 0;
    for (const TlsFailure& failure : policy.failures) {
      const std::string& detail = failure.failure_reason_code.empty()
                                      ? failure.additional_information
                                      : failure.failure_reason_code;
      add(policy, failure.result_type, failure.receiving_mx_hostname, detail,
          failure.failed_sessions);
      told += bounded(failure.failed_sessions);
    }
    // The summary counts what no detail tells of.
    if (policy.failed_sessions > told)
      add(policy, "unspecified", "", "", policy.failed_sessions - told);
  }
  const auto put = database.run_each(
      "INSERT INTO tls_row (report, domain, policy_type, result_type, receiving_mx, detail, "
      "sessions) VALUES ($1, $2, $3, $4, $5, $6, $7)",
      rows);
  if (!put) return put.error();
  if (auto sums = put_sums(database, **id, rows.size(), sessions); !sums) return sums.error();
  if (auto done = transaction.commit(); !done) return done.error();
  return Kept::stored;
}

SqlResult<Kept> keep_report(SqlDatabase& database, const FailureReport& report,
                            const ReportOrigin& from) {
  SqlTransaction transaction(database);
  if (!transaction.begun()) return transaction.begun().error();
  const auto id = put_heading(database, heading_of(report, from), from);
  if (!id) return id.error();
  if (!*id) return Kept::duplicate;
  const auto put = database.run(
      "INSERT INTO failure_row (report, source, failure, delivery, incidents, author, subject, "
      "results, dkim, spf) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {**id, report.source_ip ? report.source_ip->text() : std::string(),
       report.auth_failure ? std::string(to_string(*report.auth_failure)) : std::string(),
       report.delivery_result ? std::string(to_string(*report.delivery_result)) : std::string(),
       static_cast<std::int64_t>(bounded(report.incidents)),
       // Who wrote it to whom, and about what, stays in the mail that brought the report.
       name_text(domain_in(report.original_from)), std::string(),
       sql_text(domains_only(report.authentication_results), kTextOctets),
       sql_text(report.dkim_domain.empty() ? std::string()
                                           : report.dkim_domain + ' ' + report.dkim_selector,
                kTextOctets),
       sql_text(report.spf_dns, kTextOctets)});
  if (!put) return put.error();
  if (auto sums = put_sums(database, **id, 1, bounded(report.incidents)); !sums)
    return sums.error();
  if (auto done = transaction.commit(); !done) return done.error();
  return Kept::stored;
}

SqlResult<std::vector<ReceivedReport>> find_received(SqlDatabase& database, ReportDay first,
                                                     ReportDay last) {
  std::vector<ReceivedReport> found;
  auto asked = database.query(
      "SELECT sort, organization, report_id, domain, begins, ends, records, messages, received, "
      "submitter, dmarc, doubtful FROM received_report WHERE day BETWEEN $1 AND $2 ORDER BY day, "
      "id",
      {std::int64_t{first}, std::int64_t{last}}, [&](const SqlRow& row) {
        ReceivedReport report;
        const std::string sort = row.text(0);
        for (const auto& kind : kKinds) {
          if (kind.word == sort) report.kind = kind.value;
        }
        report.organization = row.text(1);
        report.report_id = row.text(2);
        report.domain = row.text(3);
        report.begin = row.integer(4);
        report.end = row.integer(5);
        report.records = static_cast<std::uint64_t>(row.integer(6));
        report.messages = static_cast<std::uint64_t>(row.integer(7));
        report.from = {row.integer(8), row.text(9), row.text(10), row.integer(11) != 0};
        found.push_back(std::move(report));
      });
  if (!asked) return asked.error();
  return found;
}

}  // namespace authmilter
