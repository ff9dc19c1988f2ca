#include "reports/report_words.h"

#include <authmilter/aggregate_report.h>
#include <authmilter/dkim.h>
#include <authmilter/failure_report.h>
#include <authmilter/policy.h>
#include <authmilter/report_reader.h>
#include <authmilter/spf.h>
#include <authmilter/tls_report.h>

#include "base/ascii.h"
#include "base/words.h"

// The words of reports, each set in one table: what is written, and what is read in any case.

namespace authmilter {
namespace {

constexpr Word<ReportedDisposition> kDispositions[] = {
    {ReportedDisposition::none, "none"},
    {ReportedDisposition::pass, "pass"},
    {ReportedDisposition::quarantine, "quarantine"},
    {ReportedDisposition::reject, "reject"},
};
static_assert(is_complete(kDispositions, ReportedDisposition::reject));

constexpr Word<AlignedResult> kAlignedResults[] = {
    {AlignedResult::pass, "pass"},
    {AlignedResult::fail, "fail"},
};
static_assert(is_complete(kAlignedResults, AlignedResult::fail));

constexpr Word<ReportedResult> kResults[] = {
    {ReportedResult::none, "none"},           {ReportedResult::pass, "pass"},
    {ReportedResult::fail, "fail"},           {ReportedResult::softfail, "softfail"},
    {ReportedResult::policy, "policy"},       {ReportedResult::neutral, "neutral"},
    {ReportedResult::temperror, "temperror"}, {ReportedResult::permerror, "permerror"},
};
static_assert(is_complete(kResults, ReportedResult::permerror));

constexpr Word<SpfScope> kScopes[] = {
    {SpfScope::mfrom, "mfrom"},
    {SpfScope::helo, "helo"},
};
static_assert(is_complete(kScopes, SpfScope::helo));

constexpr Word<DiscoveryMethod> kDiscoveryMethods[] = {
    {DiscoveryMethod::psl, "psl"},
    {DiscoveryMethod::treewalk, "treewalk"},
};
static_assert(is_complete(kDiscoveryMethods, DiscoveryMethod::treewalk));

constexpr Word<PolicyOverrideType> kOverrideTypes[] = {
    {PolicyOverrideType::local_policy, "local_policy"},
    {PolicyOverrideType::mailing_list, "mailing_list"},
    {PolicyOverrideType::other, "other"},
    {PolicyOverrideType::policy_test_mode, "policy_test_mode"},
    {PolicyOverrideType::trusted_forwarder, "trusted_forwarder"},
    {PolicyOverrideType::forwarded, "forwarded"},
    {PolicyOverrideType::sampled_out, "sampled_out"},
};
static_assert(is_complete(kOverrideTypes, PolicyOverrideType::sampled_out));

constexpr Word<ReportForm> kForms[] = {
    {ReportForm::rfc7489, "rfc7489"},
    {ReportForm::rfc9990, "rfc9990"},
};
static_assert(is_complete(kForms, ReportForm::rfc9990));

constexpr Word<TlsPolicyType> kTlsPolicyTypes[] = {
    {TlsPolicyType::tlsa, "tlsa"},
    {TlsPolicyType::sts, "sts"},
    {TlsPolicyType::no_policy_found, "no-policy-found"},
    {TlsPolicyType::other, "other"},
};
static_assert(is_complete(kTlsPolicyTypes, TlsPolicyType::other));

constexpr Word<AuthFailure> kAuthFailures[] = {
    {AuthFailure::adsp, "adsp"},           {AuthFailure::bodyhash, "bodyhash"},
    {AuthFailure::dmarc, "dmarc"},         {AuthFailure::revoked, "revoked"},
    {AuthFailure::signature, "signature"}, {AuthFailure::spf, "spf"},
};
static_assert(is_complete(kAuthFailures, AuthFailure::spf));

constexpr Word<DeliveryResult> kDeliveryResults[] = {
    {DeliveryResult::delivered, "delivered"}, {DeliveryResult::spam, "spam"},
    {DeliveryResult::policy, "policy"},       {DeliveryResult::reject, "reject"},
    {DeliveryResult::other, "other"},
};
static_assert(is_complete(kDeliveryResults, DeliveryResult::other));

constexpr Word<ReportKind> kKinds[] = {
    {ReportKind::aggregate, "aggregate"},
    {ReportKind::failure, "failure"},
    {ReportKind::smtp_tls, "smtp-tls"},
};
static_assert(is_complete(kKinds, ReportKind::smtp_tls));

using Outcome = ReportOutcome::Status;
constexpr Word<Outcome> kOutcomes[] = {
    {Outcome::stored, "stored"},
    {Outcome::duplicate, "duplicate"},
    {Outcome::rejected, "rejected"},
    {Outcome::failed, "failed"},
};
static_assert(is_complete(kOutcomes, Outcome::failed));

template <class Enum, std::size_t Size>
std::optional<Enum> value_of(const Word<Enum> (&rows)[Size], std::string_view word) {
  for (const auto& row : rows) {
    if (equals_ignoring_case(row.word, word)) return row.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(ReportedDisposition value) { return word_of(kDispositions, value); }
std::string_view to_string(AlignedResult value) { return word_of(kAlignedResults, value); }
std::string_view to_string(ReportedResult value) { return word_of(kResults, value); }
std::string_view to_string(SpfScope value) { return word_of(kScopes, value); }
std::string_view to_string(DiscoveryMethod value) { return word_of(kDiscoveryMethods, value); }
std::string_view to_string(PolicyOverrideType value) { return word_of(kOverrideTypes, value); }
std::string_view to_string(ReportForm value) { return word_of(kForms, value); }
std::string_view to_string(TlsPolicyType value) { return word_of(kTlsPolicyTypes, value); }
std::string_view to_string(AuthFailure value) { return word_of(kAuthFailures, value); }
std::string_view to_string(DeliveryResult value) { return word_of(kDeliveryResults, value); }
std::string_view to_string(ReportKind value) { return word_of(kKinds, value); }
std::string_view to_string(Outcome value) { return word_of(kOutcomes, value); }

std::optional<ReportedDisposition> parse_reported_disposition(std::string_view word) {
  return value_of(kDispositions, word);
}
std::optional<AlignedResult> parse_aligned_result(std::string_view word) {
  return value_of(kAlignedResults, word);
}
std::optional<ReportedResult> parse_reported_result(std::string_view word) {
  return value_of(kResults, word);
}
std::optional<SpfScope> parse_spf_scope(std::string_view word) { return value_of(kScopes, word); }
std::optional<DiscoveryMethod> parse_discovery_method(std::string_view word) {
  return value_of(kDiscoveryMethods, word);
}
std::optional<PolicyOverrideType> parse_policy_override_type(std::string_view word) {
  return value_of(kOverrideTypes, word);
}
std::optional<TlsPolicyType> parse_tls_policy_type(std::string_view word) {
  return value_of(kTlsPolicyTypes, word);
}
std::optional<AuthFailure> parse_auth_failure(std::string_view word) {
  return value_of(kAuthFailures, word);
}
std::optional<DeliveryResult> parse_delivery_result(std::string_view word) {
  return value_of(kDeliveryResults, word);
}

ReportedResult reported_result(DkimResult result) {
  switch (result) {
    case DkimResult::none:
      return ReportedResult::none;
    case DkimResult::pass:
      return ReportedResult::pass;
    case DkimResult::fail:
      return ReportedResult::fail;
    case DkimResult::policy:
      return ReportedResult::policy;
    case DkimResult::neutral:
      return ReportedResult::neutral;
    case DkimResult::temperror:
      return ReportedResult::temperror;
    case DkimResult::permerror:
      return ReportedResult::permerror;
  }
  return ReportedResult::none;
}

ReportedResult reported_result(SpfResult result) {
  switch (result) {
    case SpfResult::none:
      return ReportedResult::none;
    case SpfResult::neutral:
      return ReportedResult::neutral;
    case SpfResult::pass:
      return ReportedResult::pass;
    case SpfResult::fail:
      return ReportedResult::fail;
    case SpfResult::softfail:
      return ReportedResult::softfail;
    case SpfResult::temperror:
      return ReportedResult::temperror;
    case SpfResult::permerror:
      return ReportedResult::permerror;
  }
  return ReportedResult::none;
}

PolicyOverrideType override_type(OverrideReason reason) {
  switch (reason) {
    case OverrideReason::local_policy:
      return PolicyOverrideType::local_policy;
    case OverrideReason::mailing_list:
      return PolicyOverrideType::mailing_list;
    case OverrideReason::trusted_forwarder:
      return PolicyOverrideType::trusted_forwarder;
  }
  return PolicyOverrideType::other;
}

}  // namespace authmilter
