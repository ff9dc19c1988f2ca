#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>

namespace authmilter {

// DMARC failure reports (RFC 9991), which are mails in the Abuse Reporting Format (RFC 5965, RFC
// 6591), as values. Texts are a stranger's, as those of aggregate_report.h are.

/// RFC 6591 section 3.2.2 and RFC 9991 section 4, Auth-Failure.
enum class AuthFailure : std::uint8_t { adsp, bodyhash, dmarc, revoked, signature, spf };
std::string_view to_string(AuthFailure failure);

/// RFC 6591 section 3.2.2, Delivery-Result.
enum class DeliveryResult : std::uint8_t { delivered, spam, policy, reject, other };
std::string_view to_string(DeliveryResult result);

/// RFC 9991 section 4, Identity-Alignment: the mechanisms that did not authenticate an aligned
/// identity. Neither of them is `none`.
struct IdentityAlignment {
  bool dkim_failed = false;
  bool spf_failed = false;
  bool operator==(const IdentityAlignment&) const = default;
};

struct FailureReport {
  std::string user_agent;
  std::optional<AuthFailure> auth_failure;
  std::optional<IdentityAlignment> identity_alignment;
  std::optional<DeliveryResult> delivery_result;
  std::optional<DomainName> reported_domain;
  std::optional<IpAddress> source_ip;
  std::optional<std::int64_t> arrival_date;  // seconds since 1970
  std::uint64_t incidents = 1;
  std::string original_envelope_id;
  std::string original_mail_from;  // without angle brackets; empty: null or not said
  std::string original_rcpt_to;
  std::string authentication_results;
  std::string dkim_domain;
  std::string dkim_identity;
  std::string dkim_selector;
  std::string dkim_canonicalized_header;  // decoded, cut
  std::string dkim_canonicalized_body;
  std::string spf_dns;  // "txt : example.org : "v=spf1 -all""
  /// Of the message that failed: its header as it came with the report, cut.
  std::string original_header;
  // Of that header: what to know the message by.
  std::string original_from;
  std::string original_subject;
  std::string original_message_id;
  bool operator==(const FailureReport&) const = default;
};

}  // namespace authmilter
