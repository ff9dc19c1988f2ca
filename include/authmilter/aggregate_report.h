#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/policy_record.h>

namespace authmilter {

// DMARC aggregate reports (RFC 9990; before it RFC 7489 section 7.2) as values. What a stranger
// wrote is text: valid UTF-8 of bounded length without control characters, to be shown as text and
// never as markup. Times are seconds since 1970.

// Of other rooms; see there.
enum class DkimResult : std::uint8_t;
enum class OverrideReason : std::uint8_t;
enum class SpfResult : std::uint8_t;

/// RFC 9990 section 3.1.1, ActionDispositionType: what became of the messages. `pass` is a DMARC
/// pass under a policy that enforces; under p=none it is `none`. RFC 7489 has no `pass`.
enum class ReportedDisposition : std::uint8_t { none, pass, quarantine, reject };
std::string_view to_string(ReportedDisposition disposition);

/// Whether a method passed with an aligned identifier (DMARCResultType).
enum class AlignedResult : std::uint8_t { pass, fail };
std::string_view to_string(AlignedResult result);

/// The results of SPF and of DKIM, in one set: DKIMResultType lacks softfail.
enum class ReportedResult : std::uint8_t {
  none,
  pass,
  fail,
  softfail,
  policy,
  neutral,
  temperror,
  permerror,
};
std::string_view to_string(ReportedResult result);
ReportedResult reported_result(DkimResult result);
ReportedResult reported_result(SpfResult result);

/// The identity that SPF checked. RFC 9990 has mfrom only; `helo` comes in reports before it.
enum class SpfScope : std::uint8_t { mfrom, helo };
std::string_view to_string(SpfScope scope);

/// How the policy record was found: with the Public Suffix List, or by RFC 9989's tree walk.
enum class DiscoveryMethod : std::uint8_t { psl, treewalk };
std::string_view to_string(DiscoveryMethod method);

/// Why the policy was not applied (PolicyOverrideType). The last two are RFC 7489's, and come in
/// only: RFC 9990 has taken them away.
enum class PolicyOverrideType : std::uint8_t {
  local_policy,
  mailing_list,
  other,
  policy_test_mode,
  trusted_forwarder,
  forwarded,
  sampled_out,
};
std::string_view to_string(PolicyOverrideType type);
/// Of what decide() says.
PolicyOverrideType override_type(OverrideReason reason);

// The inverse of to_string(), in any case; nothing for other words.
std::optional<ReportedDisposition> parse_reported_disposition(std::string_view word);
std::optional<AlignedResult> parse_aligned_result(std::string_view word);
std::optional<ReportedResult> parse_reported_result(std::string_view word);
std::optional<SpfScope> parse_spf_scope(std::string_view word);
std::optional<DiscoveryMethod> parse_discovery_method(std::string_view word);
std::optional<PolicyOverrideType> parse_policy_override_type(std::string_view word);

/// Which document a report follows: RFC 9990 by its namespace, or by an element that only it has.
enum class ReportForm : std::uint8_t { rfc7489, rfc9990 };
std::string_view to_string(ReportForm form);

/// `report_metadata`. Organisation, report_id and the policy domain together are what makes a
/// report one: there are writers whose report_id is the number of a row.
struct ReportMetadata {
  std::string org_name;  // some leave it empty
  std::string email;
  std::string extra_contact_info;  // these may be empty
  std::string report_id;
  std::int64_t begin = 0;  // date_range; both in the period
  std::int64_t end = 0;
  std::string error;  // several, of RFC 7489, are joined by "; "
  std::string generator;
  bool operator==(const ReportMetadata&) const = default;
};

/// `policy_published`. What is not there is empty: RFC 9990 wants defaults to be written down,
/// older reports leave them out.
struct PolicyPublished {
  DomainName domain;
  std::optional<AssessmentPolicy> p, sp, np;
  std::optional<AlignmentMode> adkim, aspf;
  std::optional<DiscoveryMethod> discovery_method;
  std::string fo;
  std::optional<bool> testing;  // value of `t`
  std::optional<int> pct;       // RFC 7489; is read and never written
  bool operator==(const PolicyPublished&) const = default;
};

/// All of a report but its records, of which there may be a million.
struct AggregateReport {
  ReportForm form = ReportForm::rfc9990;
  std::string version = "1.0";  // as written; empty where it is missing
  ReportMetadata metadata;
  PolicyPublished policy_published;
  bool operator==(const AggregateReport&) const = default;
};

/// `reason` of `policy_evaluated`. One without type and comment is not kept, and a type that is
/// none of ours is `other`, with its word in the comment where that was empty.
struct PolicyOverrideReason {
  PolicyOverrideType type = PolicyOverrideType::other;
  std::string comment;
  bool operator==(const PolicyOverrideReason&) const = default;
};

struct ReportedDkim {
  std::string domain;    // d=, lower case
  std::string selector;  // may be empty where it came in
  ReportedResult result = ReportedResult::none;
  std::string human_result;
  bool operator==(const ReportedDkim&) const = default;
};

struct ReportedSpf {
  std::string domain;  // lower case; empty of a null reverse-path in some reports
  std::optional<SpfScope> scope;
  ReportedResult result = ReportedResult::none;
  std::string human_result;
  bool operator==(const ReportedSpf&) const = default;
};

/// `record`: so many messages of one address, with the same identifiers and results.
struct AggregateRecord {
  // row
  IpAddress source_ip;
  std::uint64_t count = 0;
  // row/policy_evaluated
  ReportedDisposition disposition = ReportedDisposition::none;
  AlignedResult dkim = AlignedResult::fail;
  AlignedResult spf = AlignedResult::fail;
  std::vector<PolicyOverrideReason> reasons;
  // identifiers, lower case
  std::string header_from;
  std::optional<std::string> envelope_from;  // empty text: the null reverse-path
  std::string envelope_to;
  // auth_results
  std::vector<ReportedDkim> dkim_results;
  std::vector<ReportedSpf> spf_results;  // RFC 9990: at most one; others write two
  bool operator==(const AggregateRecord&) const = default;
};

}  // namespace authmilter
