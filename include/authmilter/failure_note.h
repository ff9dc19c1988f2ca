#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/failure_report.h>

namespace authmilter {

struct MessageRecord;
struct ReportsConfig;

/// A message of which somebody wants to hear that it failed (RFC 9991). Nothing is redacted yet. A
/// plain value.
struct FailureNote {
  DomainName policy_domain;
  std::vector<std::string> ruf = {};  // ReportAddress::uri(), in the order published
  /// Whose SPF record the report quotes; nothing where SPF is not to blame.
  std::optional<DomainName> spf_domain = {};
  FailureReport report = {};
  bool operator==(const FailureNote&) const = default;
};

/// Nothing where `fo` does not ask for it, where the record is a public suffix's (psd=y), for what
/// has no row, see report_row(), and where failure reports are off. Pure.
std::optional<FailureNote> failure_note(const MessageRecord& record, const ReportsConfig& config);

/// The same text for failures that differ in nothing a domain's owner could mend: what is reported
/// are ways to fail, not each message (RFC 9991 section 2).
std::string kind_of(const FailureNote& note);

}  // namespace authmilter
