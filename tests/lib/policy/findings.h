#pragma once

#include <authmilter/policy.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

// Findings as the tests write them: each function sets one thing and gives the findings back.

namespace authmilter::policy_test {

inline DomainName name(const std::string& text) { return *DomainName::parse(text); }

inline std::vector<DomainPattern> domains(const std::vector<std::string>& texts) {
  std::vector<DomainPattern> patterns;
  for (const std::string& text : texts) patterns.push_back(DomainPattern::parse(text).value());
  return patterns;
}

inline std::vector<AddressPattern> addresses(const std::vector<std::string>& texts) {
  std::vector<AddressPattern> patterns;
  for (const std::string& text : texts) patterns.push_back(AddressPattern::parse(text).value());
  return patterns;
}

/// The reason that is printed as `word`: one of those up to `last`, or the DNS's.
template <class Word>
Reason<Word> reason_named(const std::string& word, Word last) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(last); ++i) {
    if (to_string(static_cast<Word>(i)) == word) return static_cast<Word>(i);
  }
  for (const DnsFault fault : {DnsFault::timeout, DnsFault::servfail, DnsFault::bogus,
                               DnsFault::malformed, DnsFault::limit, DnsFault::overload}) {
    if (temperror_reason(fault) == word) return Reason<Word>(fault);
  }
  throw std::invalid_argument(word);
}

inline SpfOutcome spf(SpfResult result, const std::string& domain = "sender.example",
                      SpfIdentity identity = SpfIdentity::mailfrom) {
  SpfOutcome outcome;
  outcome.identity = identity;
  outcome.result = result;
  outcome.domain = DomainName::parse(domain);
  return outcome;
}

inline DkimOutcome dkim(DkimResult result, const std::string& domain = "signer.example") {
  DkimOutcome outcome;
  outcome.result = result;
  outcome.domain = DomainName::parse(domain);
  outcome.selector = DomainName::parse("s1");
  outcome.algorithm = "rsa-sha256";
  outcome.signature_prefix = "dGVzdA+/";
  return outcome;
}

inline DmarcOutcome dmarc(DmarcResult result, AssessmentPolicy policy = AssessmentPolicy::none,
                          const std::string& reason = "") {
  DmarcOutcome outcome;
  outcome.result = result;
  outcome.author_domain = name("author.example");
  if (result == DmarcResult::pass || result == DmarcResult::fail)
    outcome.policy_domain = outcome.author_domain;
  outcome.policy = outcome.published_policy = policy;
  outcome.policy_known = outcome.policy_domain.has_value() || policy != AssessmentPolicy::none;
  outcome.reason = reason_named(reason, DmarcReason::not_judged);
  return outcome;
}

inline Findings findings(const SpfOutcome& spf_outcome, const DmarcOutcome& dmarc_outcome) {
  Findings found;
  found.client = IpAddress::parse("192.0.2.66");
  found.mail_from = parse_reverse_path("<user@sender.example>");
  found.recipients = {parse_reverse_path("<a@example.org>")};
  found.spf = {spf_outcome};
  found.dmarc = dmarc_outcome;
  return found;
}

}  // namespace authmilter::policy_test
