#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/audit.h>

namespace authmilter {

/// What became of a check between two audits of a domain.
enum class ChangeKind : std::uint8_t { better, worse, appeared, gone };
std::string_view to_string(ChangeKind kind);
struct CheckChange {
  ChangeKind kind = ChangeKind::better;
  std::string_view id;
  CheckStatus before = CheckStatus::pass, now = CheckStatus::pass;
  std::string evidence_before, evidence_now;
};
/// A check that appeared and fails is worse too: `is_worse()` says which ones ask for a person.
std::vector<CheckChange> audit_changes(const DomainAudit& before, const DomainAudit& now);
bool is_worse(const CheckChange& change);

/// What a report of an audit is made of. Borrowed.
struct AuditReport {
  const AuditHeader& header;
  const AuditProfile& profile;
  std::span<const DomainAudit> domains;
  std::string facts_sha256;  // hexadecimal, of the file of facts
  /// Of an earlier audit that this one is compared with; 0: none.
  std::int64_t since = 0;
  std::span<const std::vector<CheckChange>> changes = {};  // of each domain; empty: none
};

std::string audit_text(const AuditReport& report);
/// As interface: a list of domains with checks and points; each check has its verdicts too.
std::string audit_json(const AuditReport& report);
/// A line a check (RFC 4180) with a heading.
std::string audit_csv(const AuditReport& report);
/// One self-contained page for screen and A4: no outside requests, no script needed to read it.
std::string audit_html(const AuditReport& report);
/// A rule's page as text, for --explain.
std::string rule_page(const AuditRule& rule);

}  // namespace authmilter
