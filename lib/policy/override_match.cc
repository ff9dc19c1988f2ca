#include "policy/override_match.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <authmilter/message.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

bool matches_any_address(const std::vector<AddressPattern>& patterns, const ReversePath& path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const AddressPattern& pattern) { return pattern.matches(path); });
}

bool matches_any_domain(const std::vector<DomainPattern>& patterns,
                        const std::optional<DomainName>& domain) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const DomainPattern& pattern) { return pattern.matches(domain); });
}

bool client_matches(const std::vector<Network>& networks, const std::optional<IpAddress>& client) {
  return client && std::any_of(networks.begin(), networks.end(),
                               [&](const Network& network) { return network.contains(*client); });
}

bool signer_matches(const std::vector<DomainPattern>& patterns,
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

/// The overrides that are left when all but the recipient is known. The last one may be for every
/// recipient. Each recipient is looked up by what an override may say of it, so a thousand
/// recipients and a thousand overrides are not a million comparisons.
class Candidates {
 public:
  Candidates(const Findings& findings, const std::vector<PolicyOverride>& overrides) {
    for (const PolicyOverride& rule : overrides) {
      if (!message_matches(rule, findings)) continue;
      list_.push_back(&rule);
      if (rule.recipient.empty()) break;  // nothing behind it is ever asked
      for (const AddressPattern& pattern : rule.recipient) add(pattern);
    }
  }

  const PolicyOverride* first_for(const ReversePath& recipient) const {
    std::size_t first = list_.size();
    const auto consider = [&](const Places& places, const std::string& key) {
      if (const auto found = places.find(key); found != places.end())
        first = std::min(first, found->second);
    };
    consider(addresses_, address_key(recipient.local_part, *recipient.domain));
    consider(domains_, recipient.domain->text());
    for (auto above = recipient.domain->parent(); above; above = above->parent())
      consider(parents_, above->text());
    return first < list_.size() ? list_[first] : for_nobody();
  }

  /// Whatever may be the first for somebody.
  std::vector<const PolicyOverride*> for_anybody() const {
    std::vector<const PolicyOverride*> rules = list_;
    if (for_nobody() == nullptr) rules.push_back(nullptr);
    return rules;
  }

  /// Without a recipient there is nobody for whom a condition on recipients holds.
  const PolicyOverride* for_nobody() const {
    return !list_.empty() && list_.back()->recipient.empty() ? list_.back() : nullptr;
  }

 private:
  using Places = std::unordered_map<std::string, std::size_t>;  // the first in list_

  static std::string address_key(std::string_view local_part, const DomainName& domain) {
    return to_lower(local_part) + "@" + domain.text();
  }

  /// Of the override that is the last in the list.
  void add(const AddressPattern& pattern) {
    if (pattern.is_null()) return;  // nobody's
    const DomainName& domain = pattern.domain->domain;
    const std::size_t place = list_.size() - 1;
    if (pattern.is_mailbox()) {
      addresses_.emplace(address_key(*pattern.local_part, domain), place);
    } else {
      (pattern.domain->below ? parents_ : domains_).emplace(domain.text(), place);
    }
  }

  std::vector<const PolicyOverride*> list_;
  Places addresses_;
  Places domains_;
  Places parents_;  // of names below them
};

}  // namespace

std::vector<const PolicyOverride*> overrides_in_force(
    const Findings& findings, const std::vector<PolicyOverride>& overrides) {
  const Candidates candidates(findings, overrides);
  std::vector<const PolicyOverride*> found;
  std::unordered_set<const PolicyOverride*> known;
  const auto add = [&](const PolicyOverride* rule) {
    if (known.insert(rule).second) found.push_back(rule);
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
