#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <authmilter/report_row.h>

namespace authmilter {

// Rows as lines of text, as stores keep them: short, since there are many, and the same on every
// host. A text holds no line end, and equal values have equal texts. What cannot be read back is of
// another version, and is nothing.

/// Without the domain.
std::string policy_text(const PolicyInForce& policy);
std::optional<PolicyInForce> parse_policy(const DomainName& domain, std::string_view text);

/// What tells a row from others of its day, policy and source: all but these three and the count.
std::string kind_text(const ReportRow& row);
std::optional<ReportRow> parse_kind(std::string_view text);

/// The whole row, with day and count.
std::string row_text(const ReportRow& row);
std::optional<ReportRow> parse_row(std::string_view text);

}  // namespace authmilter
