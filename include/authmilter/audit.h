#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/audit_facts.h>
#include <authmilter/audit_profile.h>

namespace authmilter {

enum class CheckStatus : std::uint8_t { pass, info, warn, fail, unknown };
std::string_view to_string(CheckStatus status);
/// The one that a person should hear of first: fail, unknown, warn, info, pass.
CheckStatus worse(CheckStatus one, CheckStatus other);

/// What a rule says of one thing: a record, a selector, a server.
struct Verdict {
  CheckStatus status = CheckStatus::pass;
  std::string subject;   // "mx.example.org 192.0.2.1"; empty: the domain itself
  std::string evidence;  // the record, the walk, the certificate's fields
  std::string remedy;  // one or two sentences, with the line to publish or set; empty when nothing
                       // is to be done
};

/// Public keys (`p=` of key records) to the names of the records that have them, of several
/// domains.
using KeyOwners = std::map<std::string, std::vector<std::string>>;
/// Of all domains of a run. A record that is an alias is left out: its key is the provider's.
KeyOwners key_owners(std::span<const DomainFacts> domains);

/// What rules judge. Borrowed for the time of the call.
struct RuleInput {
  const DomainFacts& facts;
  Resolver& dns;          // over the facts
  const HostFacts* host;  // null: this run is not on the mail server
  const AuditProfile& profile;
  std::int64_t time;                  // of the facts
  const KeyOwners* owners = nullptr;  // null: the keys of other domains are not known
};

/// One rule: a pure function and its page.
struct AuditRule {
  std::string_view id;         // "spf.lookups": stable
  std::string_view title;      // "SPF needs at most ten look-ups"
  std::string_view looked_at;  // "the record and those that it includes"
  std::string_view reference;  // "RFC 7208 section 4.6.4"
  std::string_view points;     // of the measure, "3.1", separated by blanks; empty: none
  std::string_view page;  // what it means, why it matters, what to do: paragraphs for somebody new
  /// One verdict for each thing that was looked at; none: the rule does not apply here.
  std::vector<Verdict> (*judge)(const RuleInput&);
};

/// All rules, in the order in which they are shown. Ids are unique.
std::span<const AuditRule* const> audit_rules();
const AuditRule* find_audit_rule(std::string_view id);

/// A rule that applies, and what it says.
struct AuditCheck {
  const AuditRule* rule = nullptr;
  CheckStatus status = CheckStatus::pass;  // the worst of the verdicts'
  std::vector<Verdict> verdicts;           // the worst first
  std::string evidence() const;            // of all that have the check's status, in one line
  std::string remedy() const;
};

enum class PointStatus : std::uint8_t { fulfilled, not_fulfilled, not_testable };
std::string_view to_string(PointStatus status);  // "fulfilled", "not-fulfilled", "not-testable"

/// A point of the measure, 1.1 to 3.6.
struct MeasurePoint {
  std::string_view point;        // "1.2.1"
  std::string_view title;        // what must be so, in our words
  std::string_view how_to_show;  // where it cannot be tested from here
};
std::span<const MeasurePoint> measure_points();

struct PointResult {
  const MeasurePoint* point = nullptr;
  PointStatus status = PointStatus::not_testable;
  std::string evidence;
};

struct DomainAudit {
  DomainName domain;
  std::vector<AuditCheck> checks;
  std::vector<PointResult> points;
};

/// Judges without network. `header` is that of the facts.
DomainAudit judge_domain(const DomainFacts& facts, const AuditHeader& header,
                         const AuditProfile& profile, const KeyOwners* owners = nullptr);

/// What the checks say of the measure: a point is not fulfilled when a check of it failed,
/// fulfilled when each check of it that applies passed (also with info or warn), else not testable.
std::vector<PointResult> judge_points(std::span<const AuditCheck> checks);

// The families of rules, each in a file of its own.
std::span<const AuditRule> spf_rules();
std::span<const AuditRule> dkim_rules();
std::span<const AuditRule> dmarc_rules();
std::span<const AuditRule> mx_rules();
std::span<const AuditRule> tls_rules();  // starttls.*, tls.*, cert.*
std::span<const AuditRule> dnssec_rules();
std::span<const AuditRule> dane_rules();
std::span<const AuditRule> mta_sts_rules();  // mtasts.record, tlsrpt.*, bimi.*
std::span<const AuditRule> mta_sts_policy_rules();
std::span<const AuditRule> client_rules();  // client.*, webmail.*
std::span<const AuditRule> host_rules();    // resolver.*, postfix.*, authmilter.*

}  // namespace authmilter
