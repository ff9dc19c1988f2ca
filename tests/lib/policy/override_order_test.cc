#include <authmilter/policy.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lib/policy/findings.h"

using namespace authmilter;
using namespace authmilter::policy_test;

// However the overrides are found: of each recipient the first that applies counts, as if they were
// looked at one by one.

namespace {

class Chance {
 public:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class T>
  const T& of(const std::vector<T>& list) {
    return list[below(list.size())];
  }
  template <class T>
  std::vector<T> some(const std::vector<T>& list) {
    std::vector<T> chosen;
    for (std::size_t i = one_in(4) ? 7 : 1 + below(2); i > 0; --i) chosen.push_back(of(list));
    return chosen;
  }

 private:
  std::mt19937 random_{9989};  // NOLINT(cert-msc*): the same each time
};

const std::vector<std::string> kNames = {"example",     "a.example",     "b.example",
                                         "x.a.example", "y.x.a.example", "other.test"};
const std::vector<std::string> kPatterns = {"example",       "a.example", "*.example",
                                            "*.a.example",   "b.example", "*.x.a.example",
                                            "y.x.a.example", "*.test",    "other.test"};
const std::vector<std::string> kPaths = {
    "<u@a.example>",   "<U@a.example>",    "<\"u\"@a.example>", "<v@b.example>",
    "<v@x.a.example>", "<@a.example>",     "<w@other.test>",    "<>",
    "<postmaster>",    "<v@y.x.a.example>"};
const std::vector<std::string> kPathPatterns = {
    "u@a.example", "@a.example", "a.example", "*.example",    "*.a.example",
    "V@b.example", "b.example",  "<>",        "w@other.test", "*.test"};
const std::vector<std::string> kClients = {"192.0.2.1", "192.0.2.200", "198.51.100.1",
                                           "2001:db8::1"};
const std::vector<std::string> kNetworks = {"192.0.2.0/24", "192.0.2.0/25", "192.0.2.1",
                                            "0.0.0.0/0",    "::/0",         "2001:db8::/32"};
const std::vector<Disposition> kDispositions = {Disposition::accept,     Disposition::tag,
                                                Disposition::quarantine, Disposition::reject,
                                                Disposition::tempfail,   Disposition::discard};

PolicyOverride some_override(Chance& chance) {
  PolicyOverride rule;
  if (chance.one_in(3)) {
    std::vector<Network> networks;
    for (const auto& text : chance.some(kNetworks)) networks.push_back(*Network::parse(text));
    rule.client = networks;
  }
  if (chance.one_in(3)) rule.author_domain = domains(chance.some(kPatterns));
  if (chance.one_in(3)) rule.mail_from = addresses(chance.some(kPathPatterns));
  if (chance.one_in(2)) rule.recipient = addresses(chance.some(kPathPatterns));
  if (chance.one_in(4)) rule.dkim_domain = domains(chance.some(kPatterns));
  if (!chance.one_in(4)) rule.actions.dmarc_reject = chance.of(kDispositions);
  if (chance.one_in(4)) rule.actions.spf_fail = chance.of(kDispositions);
  return rule;
}

Findings some_findings(Chance& chance) {
  auto found = findings(spf(SpfResult::fail), dmarc(DmarcResult::fail, AssessmentPolicy::reject));
  if (chance.one_in(5)) found.dmarc.result = DmarcResult::none;
  found.client = chance.one_in(6) ? std::nullopt : IpAddress::parse(chance.of(kClients));
  found.dmarc.author_domain = DomainName::parse(chance.of(kNames));
  found.mail_from = parse_reverse_path(chance.of(kPaths));
  found.recipients.clear();
  for (std::size_t i = chance.below(4); i > 0; --i)
    found.recipients.push_back(parse_reverse_path(chance.of(kPaths)));
  for (std::size_t i = chance.below(3); i > 0; --i) {
    found.dkim.push_back(
        dkim(chance.one_in(2) ? DkimResult::pass : DkimResult::fail, chance.of(kNames)));
  }
  return found;
}

template <class Pattern, class Subject>
bool holds(const MatchSet<Pattern>& patterns, const Subject& subject) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(),
                     [&](const Pattern& pattern) { return pattern.matches(subject); });
}

bool message_holds(const PolicyOverride& rule, const Findings& found) {
  const bool client =
      rule.client.empty() ||
      std::any_of(rule.client.begin(), rule.client.end(), [&](const Network& network) {
        return found.client && network.contains(*found.client);
      });
  const bool signer =
      rule.dkim_domain.empty() ||
      std::any_of(found.dkim.begin(), found.dkim.end(), [&](const auto& outcome) {
        return outcome.result == DkimResult::pass && holds(rule.dkim_domain, outcome.domain);
      });
  return client && signer && holds(rule.author_domain, found.dmarc.author_domain) &&
         holds(rule.mail_from, found.mail_from);
}

int strictness(Disposition disposition) {
  constexpr Disposition kOrder[] = {Disposition::accept,     Disposition::tag,
                                    Disposition::quarantine, Disposition::tempfail,
                                    Disposition::reject,     Disposition::discard};
  return static_cast<int>(std::find(std::begin(kOrder), std::end(kOrder), disposition) - kOrder);
}

/// What the policy would be if this override were for everybody; nothing: none.
Decision with(const Findings& found, const PolicyConfig& policy, std::optional<std::size_t> place) {
  PolicyConfig alone{policy.actions, policy.tag_subject, {}};
  if (place) {
    PolicyOverride for_everybody;
    for_everybody.actions = policy.overrides[*place].actions;
    alone.overrides = {for_everybody};
  }
  Decision decision = decide(found, alone);
  if (decision.by_override) decision.by_override = place;
  return decision;
}

/// Of the overrides the first that applies, one by one.
Decision one_by_one(const Findings& found, const PolicyConfig& policy) {
  std::optional<Decision> strictest;
  const auto take = [&](std::optional<std::size_t> place) {
    Decision decision = with(found, policy, place);
    if (!strictest || strictness(decision.disposition) > strictness(strictest->disposition))
      strictest = std::move(decision);
  };
  const auto walk = [&](const ReversePath* recipient) {
    for (std::size_t place = 0; place < policy.overrides.size(); ++place) {
      const PolicyOverride& rule = policy.overrides[place];
      if (!message_holds(rule, found)) continue;
      if (rule.recipient.empty()) return take(place);
      if (recipient == nullptr) continue;
      const bool anybody = !recipient->domain;
      if (anybody) take(place);
      if (!anybody && holds(rule.recipient, *recipient)) return take(place);
    }
    take(std::nullopt);
  };
  for (const ReversePath& recipient : found.recipients) walk(&recipient);
  if (found.recipients.empty()) walk(nullptr);
  return *strictest;
}

}  // namespace

TEST_CASE("the first override that applies counts, however many there are") {
  Chance chance;
  for (int round = 0; round < 400; ++round) {
    std::vector<PolicyOverride> rules;
    for (std::size_t i = chance.below(chance.one_in(10) ? 200 : 12); i > 0; --i)
      rules.push_back(some_override(chance));
    PolicyConfig policy;
    policy.overrides = rules;
    for (int i = 0; i < 25; ++i) {
      const Findings found = some_findings(chance);
      const Decision expected = one_by_one(found, policy);
      const Decision decision = decide(found, policy);
      REQUIRE(rule_text(decision) == rule_text(expected));
      REQUIRE(decision.disposition == expected.disposition);
    }
  }
}

TEST_CASE("a large set of patterns matches what one of them matches") {
  Chance chance;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> names;
    std::vector<std::string> paths;
    for (std::size_t i = 5 + chance.below(5); i > 0; --i) {
      names.push_back(chance.of(kPatterns));
      paths.push_back(chance.of(kPathPatterns));
    }
    const DomainPatternSet domain_set = domains(names);
    const AddressPatternSet address_set = addresses(paths);
    for (const std::string& text : kNames) {
      const auto subject = DomainName::parse(text);
      REQUIRE(domain_set.matches(subject) == holds(domain_set, subject));
    }
    for (const std::string& text : kPaths) {
      const auto subject = parse_reverse_path(text);
      REQUIRE(address_set.matches(subject) == holds(address_set, subject));
    }
    REQUIRE_FALSE(domain_set.matches(std::optional<DomainName>()));
  }
}
