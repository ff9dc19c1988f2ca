#include "policy/override_match.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <authmilter/message.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// "example.org" is that name alone, "*.example.org" every name below it.
struct DomainPattern {
  std::optional<DomainName> domain;
  bool below = false;

  bool matches(const std::optional<DomainName>& name) const {
    if (!name || !domain) return false;
    return below ? *name != *domain && name->is_equal_or_below(*domain) : *name == *domain;
  }
};

DomainPattern read_domain_pattern(std::string_view text) {
  const bool below = text.starts_with("*.");
  return {DomainName::parse(below ? text.substr(2) : text), below};
}

/// "<>", an address, "@domain", or a domain as above.
struct AddressPattern {
  bool null = false;
  DomainPattern domain;
  std::optional<std::string> local_part;

  /// Local parts are compared by what they mean, and without regard to ASCII case, as MTAs' tables
  /// do: RFC 5321 section 2.4 leaves case to the host that owns the mailbox, and none is known to
  /// tell two apart by it.
  bool matches(const ReversePath& path) const {
    if (null) return path.null;
    return domain.matches(path.domain) &&
           (!local_part || equals_ignoring_case(*local_part, path.local_part));
  }
};

AddressPattern read_address_pattern(std::string_view text) {
  if (text == "<>") return {.null = true, .domain = {}, .local_part = {}};
  if (text.find('@') == std::string_view::npos)
    return {.null = false, .domain = read_domain_pattern(text), .local_part = {}};
  if (text.starts_with('@'))
    return {.null = false, .domain = {DomainName::parse(text.substr(1))}, .local_part = {}};
  ReversePath address = parse_reverse_path(text);
  return {.null = false,
          .domain = {std::move(address.domain)},
          .local_part = std::move(address.local_part)};
}

std::vector<AddressPattern> read_patterns(const std::vector<std::string>& texts) {
  std::vector<AddressPattern> patterns;
  for (const std::string& text : texts) patterns.push_back(read_address_pattern(text));
  return patterns;
}

bool matches_any(const std::vector<AddressPattern>& patterns, const ReversePath& path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const AddressPattern& pattern) { return pattern.matches(path); });
}

bool matches_any_address(const std::vector<std::string>& patterns, const ReversePath& path) {
  return matches_any(read_patterns(patterns), path);
}

bool matches_any_domain(const std::vector<std::string>& patterns,
                        const std::optional<DomainName>& domain) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return read_domain_pattern(pattern).matches(domain);
  });
}

bool client_matches(const std::vector<Network>& networks, const std::optional<IpAddress>& client) {
  return client && std::any_of(networks.begin(), networks.end(),
                               [&](const Network& network) { return network.contains(*client); });
}

bool signer_matches(const std::vector<std::string>& patterns,
                    const std::vector<DkimOutcome>& signatures) {
  return std::any_of(signatures.begin(), signatures.end(), [&](const DkimOutcome& signature) {
    return signature.result == DkimResult::pass && matches_any_domain(patterns, signature.domain);
  });
}

/// Every condition but that on recipients.
bool message_matches(const PolicyOverride& rule, const Findings& findings) {
  return (rule.client.empty() || client_matches(rule.client, findings.client)) &&
         (rule.author_domain.empty() ||
          matches_any_domain(rule.author_domain, findings.dmarc.author_domain)) &&
         (rule.mail_from.empty() || matches_any_address(rule.mail_from, findings.mail_from)) &&
         (rule.dkim_domain.empty() || signer_matches(rule.dkim_domain, findings.dkim));
}

/// The overrides, patterns read once for all recipients, that are left when all but the recipient
/// is known. The last one may be for every recipient.
class Candidates {
 public:
  Candidates(const Findings& findings, const std::vector<PolicyOverride>& overrides) {
    for (const PolicyOverride& rule : overrides) {
      if (!message_matches(rule, findings)) continue;
      list_.push_back({&rule, read_patterns(rule.recipient)});
      if (rule.recipient.empty()) break;  // nothing behind it is ever asked
    }
  }

  const PolicyOverride* first_for(const ReversePath& recipient) const {
    for (const Candidate& candidate : list_) {
      if (candidate.is_for_all() || matches_any(candidate.recipients, recipient))
        return candidate.rule;
    }
    return nullptr;
  }

  /// Whatever may be the first for somebody.
  std::vector<const PolicyOverride*> for_anybody() const {
    std::vector<const PolicyOverride*> rules;
    for (const Candidate& candidate : list_) rules.push_back(candidate.rule);
    if (list_.empty() || !list_.back().is_for_all()) rules.push_back(nullptr);
    return rules;
  }

  /// Without a recipient there is nobody for whom a condition on recipients holds.
  const PolicyOverride* for_nobody() const {
    return !list_.empty() && list_.back().is_for_all() ? list_.back().rule : nullptr;
  }

 private:
  struct Candidate {
    const PolicyOverride* rule;
    std::vector<AddressPattern> recipients;
    bool is_for_all() const { return rule->recipient.empty(); }
  };
  std::vector<Candidate> list_;
};

}  // namespace

std::vector<const PolicyOverride*> overrides_in_force(
    const Findings& findings, const std::vector<PolicyOverride>& overrides) {
  const Candidates candidates(findings, overrides);
  std::vector<const PolicyOverride*> found;
  const auto add = [&](const PolicyOverride* rule) {
    if (std::find(found.begin(), found.end(), rule) == found.end()) found.push_back(rule);
  };
  for (const ReversePath& recipient : findings.recipients) {
    if (recipient.domain) {
      add(candidates.first_for(recipient));
    } else {
      for (const PolicyOverride* rule : candidates.for_anybody()) add(rule);
    }
  }
  if (findings.recipients.empty()) add(candidates.for_nobody());
  return found;
}

}  // namespace authmilter
