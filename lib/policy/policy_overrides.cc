#include <authmilter/policy.h>

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <authmilter/message.h>

namespace authmilter {
namespace {

bool signer_matches(const DomainPatternSet& patterns, const std::vector<DkimOutcome>& signatures) {
  return std::any_of(signatures.begin(), signatures.end(), [&](const DkimOutcome& signature) {
    return signature.result == DkimResult::pass && patterns.matches(signature.domain);
  });
}

bool list_matches(const std::vector<MailingList>& lists, const Findings& findings) {
  return std::any_of(lists.begin(), lists.end(),
                     [&](const MailingList& list) { return list.matches(findings); });
}

/// Every condition but that on recipients.
bool message_matches(const PolicyOverride& rule, const Findings& findings) {
  return (rule.client.empty() || (findings.client && rule.client.contains(*findings.client))) &&
         (rule.author_domain.empty() || rule.author_domain.matches(findings.dmarc.author_domain)) &&
         (rule.mail_from.empty() || rule.mail_from.matches(findings.mail_from)) &&
         (rule.dkim_domain.empty() || signer_matches(rule.dkim_domain, findings.dkim)) &&
         (rule.list.empty() || list_matches(rule.list, findings));
}

std::size_t hash_of_list(const DomainName& id) { return std::hash<std::string>()(id.text()); }
std::size_t hash_of(const Network& network) {
  return std::hash<std::string>()(without_host_bits(network).text());
}
std::size_t hash_of(const MailingList& list) { return hash_of_list(list.id); }
template <class Pattern>
std::size_t hash_of(const Pattern& pattern) {
  return match_hash(pattern);
}

/// What an override can stand under, the conditions on the message before that on recipients: what
/// is known of a message once need not be asked for each recipient.
enum class Condition : std::uint8_t {
  client,
  author_domain,
  mail_from,
  dkim_domain,
  list,
  recipient,
};
constexpr std::size_t kConditions = 6;

/// Calls `use` with each condition that an override names and its members.
template <class Use>
void for_each_condition(const PolicyOverride& rule, Use use) {
  if (!rule.client.empty()) use(Condition::client, rule.client);
  if (!rule.author_domain.empty()) use(Condition::author_domain, rule.author_domain);
  if (!rule.mail_from.empty()) use(Condition::mail_from, rule.mail_from);
  if (!rule.dkim_domain.empty()) use(Condition::dkim_domain, rule.dkim_domain);
  if (!rule.list.empty()) use(Condition::list, rule.list);
  if (!rule.recipient.empty()) use(Condition::recipient, rule.recipient);
}

/// How many overrides name a member of a condition.
class Shares {
 public:
  explicit Shares(const std::vector<PolicyOverride>& rules) {
    for (const PolicyOverride& rule : rules) {
      for_each_condition(rule, [&](Condition condition, const auto& members) {
        for (const auto& member : members) ++of(condition)[hash_of(member)];
      });
    }
  }

  /// The condition whose most frequent member is the rarest; of several that with the fewest.
  /// Nothing for an override without a condition: it is for every message.
  std::optional<Condition> rarest(const PolicyOverride& rule) {
    std::optional<std::tuple<std::size_t, std::size_t, Condition>> best;
    for_each_condition(rule, [&](Condition condition, const auto& members) {
      std::size_t most = 0;
      for (const auto& member : members) most = std::max(most, of(condition)[hash_of(member)]);
      const std::tuple share(most, members.size(), condition);
      if (!best || share < *best) best = share;
    });
    if (!best) return std::nullopt;
    return std::get<Condition>(*best);
  }

 private:
  using Counts = std::unordered_map<std::size_t, std::size_t>;
  Counts& of(Condition condition) { return counts_.at(static_cast<std::size_t>(condition)); }
  std::array<Counts, kConditions> counts_;
};

}  // namespace

bool MailingList::is_shown_by(const DkimOutcome& signature) const {
  return signature.domain == signed_by && signature.covers_list_id;
}

bool MailingList::matches(const Findings& findings) const {
  return findings.list_id == id &&
         std::any_of(findings.dkim.begin(), findings.dkim.end(), [&](const DkimOutcome& one) {
           return one.result == DkimResult::pass && is_shown_by(one);
         });
}

PolicyOverrides::PolicyOverrides(std::vector<PolicyOverride> overrides)
    : overrides_(std::move(overrides)) {
  std::vector<NetworkIndex::Entry> clients;
  std::array<std::vector<HashIndex::Entry>, kConditions> hashes;
  Shares shares(overrides_);
  for (std::uint32_t place = 0; place < overrides_.size(); ++place) {
    const PolicyOverride& rule = overrides_[place];
    const std::optional<Condition> condition = shares.rarest(rule);
    if (!condition) unconditional_.push_back(place);
    if (condition == Condition::client) {
      for (const Network& network : rule.client) clients.push_back({network, place});
      continue;
    }
    for_each_condition(rule, [&](Condition each, const auto& members) {
      if (each != condition) return;
      for (const auto& member : members)
        hashes.at(static_cast<std::size_t>(each)).emplace_back(hash_of(member), place);
    });
  }
  const auto index = [&](Condition condition) {
    return HashIndex(std::move(hashes.at(static_cast<std::size_t>(condition))));
  };
  clients_ = NetworkIndex(clients);
  author_domains_ = index(Condition::author_domain);
  reverse_paths_ = index(Condition::mail_from);
  signers_ = index(Condition::dkim_domain);
  lists_ = index(Condition::list);
  recipients_ = index(Condition::recipient);
}

/// The overrides for the recipients of one message.
class OverrideMatch {
 public:
  OverrideMatch(const PolicyOverrides& overrides, const Findings& findings)
      : overrides_(overrides), findings_(findings) {
    for (const std::uint32_t place : candidates()) {
      if (!message_matches(overrides_[place], findings_)) continue;
      if (overrides_[place].recipient.empty()) {
        for_everybody_ = &overrides_[place];  // nothing behind it is ever asked
        break;
      }
      list_.push_back(place);
    }
  }

  const PolicyOverride* first_for(const ReversePath& recipient) {
    const PolicyOverride* first = for_everybody_;
    for (const std::uint32_t place : list_) {
      if (!overrides_[place].recipient.matches(recipient)) continue;
      first = &overrides_[place];
      break;
    }
    // Those that stand under the recipient itself.
    for (const std::size_t hash : match_hashes(recipient)) {
      overrides_.recipients_.find(hash, [&](std::uint32_t place) {
        const PolicyOverride* rule = &overrides_[place];
        if ((first == nullptr || rule < first) && holds(place) &&
            rule->recipient.matches(recipient))
          first = rule;
      });
    }
    return first;
  }

  /// Whatever may be the first for somebody, without those whose actions an earlier one has.
  std::vector<const PolicyOverride*> for_anybody() {
    std::vector<const PolicyOverride*> rules;
    for (std::uint32_t place = 0; place < overrides_.size(); ++place) {
      const PolicyOverride* rule = &overrides_[place];
      if (rule == for_everybody_) break;
      const bool known = std::any_of(rules.begin(), rules.end(), [&](const auto* earlier) {
        return earlier->actions == rule->actions;
      });
      if (!known && holds(place)) rules.push_back(rule);
    }
    rules.push_back(for_everybody_);
    return rules;
  }

  /// Without a recipient there is nobody for whom a condition on recipients holds; may be null.
  const PolicyOverride* for_nobody() const { return for_everybody_; }

 private:
  /// What stands under something of the message, in order and each once.
  std::vector<std::uint32_t> candidates() const {
    std::vector<std::uint32_t> found = overrides_.unconditional_;
    const auto take = [&](std::uint32_t place) { found.push_back(place); };
    const auto look = [&](const HashIndex& index, const auto& subject) {
      for (const std::size_t hash : match_hashes(subject)) index.find(hash, take);
    };
    if (findings_.client) {
      const auto clients = overrides_.clients_.find(*findings_.client);
      found.insert(found.end(), clients.begin(), clients.end());
    }
    look(overrides_.author_domains_, findings_.dmarc.author_domain);
    look(overrides_.reverse_paths_, findings_.mail_from);
    for (const DkimOutcome& signature : findings_.dkim) {
      if (signature.result == DkimResult::pass) look(overrides_.signers_, signature.domain);
    }
    if (findings_.list_id) overrides_.lists_.find(hash_of_list(*findings_.list_id), take);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  /// message_matches(), asked once however many recipients there are.
  bool holds(std::uint32_t place) {
    const auto [known, is_new] = known_.try_emplace(place, false);
    if (is_new) known->second = message_matches(overrides_[place], findings_);
    return known->second;
  }

  const PolicyOverrides& overrides_;
  const Findings& findings_;
  std::vector<std::uint32_t> list_;  // with a condition on recipients, but not under it; ascending
  const PolicyOverride* for_everybody_ = nullptr;
  std::unordered_map<std::uint32_t, bool> known_;
};

std::vector<const PolicyOverride*> PolicyOverrides::in_force(const Findings& findings) const {
  OverrideMatch match(*this, findings);
  std::vector<const PolicyOverride*> found;
  std::unordered_set<const PolicyOverride*> known;
  const auto add = [&](const PolicyOverride* rule) {
    if (known.insert(rule).second) found.push_back(rule);
  };
  bool is_for_anybody = false;
  for (const ReversePath& recipient : findings.recipients) {
    if (recipient.domain) {
      add(match.first_for(recipient));
    } else if (!is_for_anybody) {  // once: it is the same for each, and looks at all overrides
      is_for_anybody = true;
      for (const PolicyOverride* rule : match.for_anybody()) add(rule);
    }
  }
  if (findings.recipients.empty()) add(match.for_nobody());
  return found;
}

}  // namespace authmilter
