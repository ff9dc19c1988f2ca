#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/report_store.h>

#include "sql/sql.h"
#include "store/known_texts.h"

namespace authmilter {

// Rows of messages that came in.

SqlResult<BatchOutcome> add_rows(SqlDatabase& database, KnownTexts& known, const BatchId& batch,
                                 std::span<const ReportRow> rows);
SqlResult<std::vector<ReportSubject>> find_subjects(SqlDatabase& database, ReportDay first,
                                                    ReportDay last);
SqlStatus find_rows(SqlDatabase& database, ReportDay day, const DomainName& policy_domain,
                    const std::function<void(const ReportRow&)>& take);

/// More than a hundred DKIM results with the longest names.
constexpr std::size_t kKindOctets = 256 * 1024;

/// A kind on its way into the database, and whom it is counted for.
struct KindText {
  std::int64_t hash = 0;
  std::int64_t policy_hash = 0;
  ReportDay day = 0;
  std::string content;
};
/// Writes down those that are not known, in an order that all writers have.
SqlStatus put_kinds(SqlDatabase& database, KnownTexts& known, std::vector<KindText> kinds);
/// The policy of rows that have none, of which those of received reports are.
SqlResult<std::int64_t> put_no_policy(SqlDatabase& database, KnownTexts& known, ReportDay day);

/// 4 or 16, in network order; and back.
SqlOctets source_octets(const IpAddress& address);
std::optional<IpAddress> source_of_octets(std::string_view octets);

}  // namespace authmilter
