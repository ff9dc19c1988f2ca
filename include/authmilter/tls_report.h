#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

// SMTP TLS reports (RFC 8460) as values: what senders saw of the DANE and MTA-STS of a domain.
// Texts are a stranger's, as those of aggregate_report.h are.

/// RFC 8460 section 4.4, policy-type.
enum class TlsPolicyType : std::uint8_t { tlsa, sts, no_policy_found, other };
/// As on the wire: "no-policy-found".
std::string_view to_string(TlsPolicyType type);

/// One kind of failure between one pair of hosts.
struct TlsFailure {
  std::string result_type;  // RFC 8460 section 4.3; a registry, so any lower-case word
  std::string sending_mta_ip;
  std::string receiving_mx_hostname;
  std::string receiving_mx_helo;
  std::string receiving_ip;
  std::uint64_t failed_sessions = 0;
  std::string additional_information;
  std::string failure_reason_code;
  bool operator==(const TlsFailure&) const = default;
};

/// What was seen under one policy.
struct TlsPolicyReport {
  TlsPolicyType type = TlsPolicyType::other;
  std::vector<std::string> policy_strings;
  std::string policy_domain;  // lower case
  std::vector<std::string> mx_hosts;
  std::uint64_t successful_sessions = 0;
  std::uint64_t failed_sessions = 0;
  std::vector<TlsFailure> failures;
  bool operator==(const TlsPolicyReport&) const = default;
};

struct TlsReport {
  std::string organization_name;
  std::string contact_info;
  std::string report_id;
  std::int64_t begin = 0;  // seconds since 1970
  std::int64_t end = 0;
  std::vector<TlsPolicyReport> policies;
  /// Failures that were left out: a report has at most so many here. Those sessions are counted in
  /// `failed_sessions` of their policy all the same.
  std::uint64_t failures_left_out = 0;
  bool operator==(const TlsReport&) const = default;
};

}  // namespace authmilter
