#include <authmilter/authentication_results.h>

#include <algorithm>
#include <utility>

#include <authmilter/other_methods.h>
#include <authmilter/policy.h>

#include "base/ascii.h"
#include "policy/rule.h"

// Everything printed here is a fixed word, a number of ours, an address or a DomainName: local
// parts, HELO arguments, AUIDs and DNS text never reach the field, so nothing that a sender writes
// can end a result and begin another one.

namespace authmilter {
namespace {

/// One entry for each signature that may be evaluated (`verify.maximum_signatures` goes to 100);
/// those beyond would only fill the field.
constexpr std::size_t kDkimEntries = 100;
constexpr std::size_t kSignaturePrefixOctets = 64;

MethodResult make_result(std::string_view method, std::string_view result,
                         std::string_view reason) {
  MethodResult entry;
  entry.method = method;
  entry.result = result;
  entry.reason = reason;
  return entry;
}

void add(MethodResult& entry, std::string_view ptype, std::string_view property,
         std::string_view value) {
  entry.properties.push_back({std::string(ptype), std::string(property), std::string(value)});
}

/// Where the record's own words gave the result there is nothing to explain.
bool explains_itself(SpfResult result) {
  switch (result) {
    case SpfResult::pass:
    case SpfResult::fail:
    case SpfResult::softfail:
    case SpfResult::neutral:
      return true;
    case SpfResult::none:
    case SpfResult::temperror:
    case SpfResult::permerror:
      return false;
  }
  return false;
}

/// RFC 8601 section 2.7.2. For the null reverse-path the HELO name was checked, and no mailbox is
/// invented for it.
MethodResult spf_result(const SpfOutcome& spf, const std::optional<PastForwarder>& forwarder) {
  auto entry = make_result("spf", to_string(spf.result),
                           explains_itself(spf.result) ? std::string_view() : spf.reason.word());
  const bool helo = spf.identity == SpfIdentity::helo;
  if (spf.null_reverse_path && !helo) entry.comment = "null reverse-path";
  if (forwarder && forwarder->client) {
    entry.comment += entry.comment.empty() ? "" : ", ";
    entry.comment += "client before the forwarder: " + forwarder->client->text();
  }
  if (spf.domain) {
    const bool by_helo = helo || spf.null_reverse_path;
    add(entry, "smtp", by_helo ? "helo" : "mailfrom", spf.domain->text());
  }
  return entry;
}

bool is_signature_prefix(std::string_view text) {
  return !text.empty() && text.size() <= kSignaturePrefixOctets &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; });
}

/// RFC 8601 section 2.7.1; header.b tells signatures of one key apart (RFC 6008 section 4).
MethodResult dkim_result(const DkimOutcome& dkim) {
  const bool pass = dkim.result == DkimResult::pass;
  auto entry =
      make_result("dkim", to_string(dkim.result), pass ? std::string_view() : dkim.reason.word());
  // RFC 6376 section 3.6.1: such a signature counts like any other, but readers may want to know.
  if (dkim.testing) entry.comment = "test mode";
  if (dkim.domain) add(entry, "header", "d", dkim.domain->text());
  if (dkim.selector) add(entry, "header", "s", dkim.selector->text());
  if (!dkim.algorithm.empty()) add(entry, "header", "a", dkim.algorithm);
  if (is_signature_prefix(dkim.signature_prefix)) add(entry, "header", "b", dkim.signature_prefix);
  return entry;
}

/// RFC 9989 section 8.1: header.from is the Author Domain, policy.dmarc the policy that applies.
MethodResult dmarc_result(const DmarcOutcome& dmarc) {
  const bool pass = dmarc.result == DmarcResult::pass;
  auto entry = make_result("dmarc", to_string(dmarc.result),
                           pass ? std::string_view() : dmarc.reason.word());
  if (dmarc.author_domain) add(entry, "header", "from", dmarc.author_domain->text());
  if (dmarc.policy_domain) add(entry, "policy", "dmarc", to_string(dmarc.policy));
  return entry;
}

}  // namespace

AuthenticationResults make_authentication_results(const Findings& findings,
                                                  const DomainName& authserv_id) {
  AuthenticationResults field;
  field.authserv_id = authserv_id.text();
  // One entry: RFC 8601 allows more, but readers downstream take the best of them, or the last.
  if (const SpfOutcome* spf = deciding_spf(findings))
    field.results.push_back(spf_result(*spf, findings.forwarder));
  const std::size_t signatures = std::min(findings.dkim.size(), kDkimEntries);
  for (std::size_t i = 0; i < signatures; ++i)
    field.results.push_back(dkim_result(findings.dkim[i]));
  if (findings.dkim.empty()) field.results.push_back(make_result("dkim", "none", ""));
  field.results.push_back(dmarc_result(findings.dmarc));
  for (MethodFinding& method : other_methods(findings))
    field.results.push_back(std::move(method.entry));
  return field;
}

}  // namespace authmilter
