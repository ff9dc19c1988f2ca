#include "policy/override_match.h"

#include <algorithm>

#include <authmilter/message.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// "example.org" is that name alone, "*.example.org" every name below it.
bool matches_domain(const std::string& pattern, const std::optional<DomainName>& domain) {
  if (!domain) return false;
  const bool below = pattern.starts_with("*.");
  const auto wanted = DomainName::parse(below ? std::string_view(pattern).substr(2) : pattern);
  if (!wanted) return false;
  return below ? *domain != *wanted && domain->is_equal_or_below(*wanted) : *domain == *wanted;
}

/// Local parts are compared without regard to ASCII case, as MTAs' tables do: RFC 5321 section 2.4
/// leaves case to the host that owns the mailbox, and none is known to tell two apart by it.
bool matches_address(const std::string& pattern, const ReversePath& path) {
  if (pattern == "<>") return path.null;
  const std::size_t at = pattern.rfind('@');
  if (at == std::string::npos) return matches_domain(pattern, path.domain);
  if (!matches_domain(pattern.substr(at + 1), path.domain)) return false;
  return at == 0 || equals_ignoring_case(pattern.substr(0, at), path.local_part);
}

bool matches_any_address(const std::vector<std::string>& patterns, const std::string& address) {
  const ReversePath path = parse_reverse_path(address);
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches_address(pattern, path); });
}

bool matches_any_domain(const std::vector<std::string>& patterns,
                        const std::optional<DomainName>& domain) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches_domain(pattern, domain); });
}

bool client_matches(const std::vector<Network>& networks, const std::optional<IpAddress>& client) {
  return client && std::any_of(networks.begin(), networks.end(),
                               [&](const Network& network) { return network.contains(*client); });
}

/// A message is decided once for all who get it, so an exemption made for one mailbox must not
/// reach the others: every recipient has to match.
bool recipients_match(const std::vector<std::string>& patterns,
                      const std::vector<std::string>& recipients) {
  return !recipients.empty() &&
         std::all_of(recipients.begin(), recipients.end(), [&](const std::string& recipient) {
           return matches_any_address(patterns, recipient);
         });
}

bool signer_matches(const std::vector<std::string>& patterns,
                    const std::vector<DkimOutcome>& signatures) {
  return std::any_of(signatures.begin(), signatures.end(), [&](const DkimOutcome& signature) {
    return signature.result == DkimResult::pass && matches_any_domain(patterns, signature.domain);
  });
}

}  // namespace

bool applies(const PolicyOverride& rule, const Findings& findings) {
  return (rule.client.empty() || client_matches(rule.client, findings.client)) &&
         (rule.author_domain.empty() ||
          matches_any_domain(rule.author_domain, findings.dmarc.author_domain)) &&
         (rule.mail_from.empty() || matches_any_address(rule.mail_from, findings.mail_from)) &&
         (rule.recipient.empty() || recipients_match(rule.recipient, findings.recipients)) &&
         (rule.dkim_domain.empty() || signer_matches(rule.dkim_domain, findings.dkim));
}

}  // namespace authmilter
