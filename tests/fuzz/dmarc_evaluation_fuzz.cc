#include <authmilter/dmarc.h>

#include <algorithm>

#include "base/ascii.h"
#include "dmarc_reference.h"
#include "hashed_resolver.h"
#include "input.h"

// DMARC (RFC 9989) in a DNS that the fuzzer writes, against a second implementation.
//
//     author domain
//     spf|dkim [temperror] domain      any number of them
//     %%
//     zone, see hashed_resolver.h

using namespace authmilter;
using fuzz::require;

namespace {

using Identifier = AuthenticatedIdentifier;

std::optional<Identifier> read_identifier(std::string_view line) {
  const auto words = split(line, ' ');
  const auto domain = DomainName::parse(words.back());
  if (!domain || words.size() < 2) return std::nullopt;
  const auto method = words[0] == "spf" ? Identifier::Method::spf : Identifier::Method::dkim;
  const auto state =
      words[1] == "temperror" ? Identifier::State::temperror : Identifier::State::pass;
  return Identifier{method, *domain, state, method == Identifier::Method::dkim ? "s1" : ""};
}

struct Case {
  DomainName author;
  std::vector<Identifier> identifiers;
  std::string_view zone;

  DmarcOutcome evaluate(const std::vector<Identifier>& list, Resolver& resolver) const {
    auto discovery = discover_dmarc(author, resolver);
    return evaluate_dmarc(discovery, list);
  }
  DmarcOutcome evaluate(const std::vector<Identifier>& list) const {
    fuzz::HashedResolver resolver(zone);
    return evaluate(list, resolver);
  }
};

bool same(const DmarcOutcome& a, const DmarcOutcome& b) {
  return a.result == b.result && a.reason == b.reason && a.policy == b.policy &&
         a.policy_domain == b.policy_domain && a.spf_aligned == b.spf_aligned &&
         a.dkim_aligned == b.dkim_aligned && a.organizational_domain == b.organizational_domain;
}

void check_alone(const DmarcOutcome& outcome, const Case& input) {
  require(outcome.walk.size() <= 8, "a walk is eight queries");
  require(outcome.reason != DmarcReason::internal_error, "the library did its part");
  require(!outcome.reason.empty() && fuzz::printable_ascii(outcome.reason.text()),
          "there is a reason");
  require(outcome.record.has_value() == outcome.policy_domain.has_value(), "a name has a record");
  if (outcome.record)
    require(fuzz::printable_ascii(outcome.record->text), "the record can be printed");
  for (const auto& note : outcome.notes) require(fuzz::printable_ascii(note), "so can the notes");
  require(outcome.author_domain == input.author, "the author is the author");
  if (outcome.organizational_domain) {
    require(input.author.is_equal_or_below(*outcome.organizational_domain), "of the author");
  }
  if (outcome.policy_domain) {
    require(input.author.is_equal_or_below(*outcome.policy_domain), "above the author");
  }
  const int step = static_cast<int>(outcome.published_policy) - static_cast<int>(outcome.policy);
  const bool lowers = outcome.record && outcome.record->testing &&
                      outcome.published_policy != AssessmentPolicy::none;
  if (outcome.policy_tag) require(step == (lowers ? 1 : 0), "t=y is one step down");
}

/// Ten signatures and SPF are what one message may bring.
constexpr std::size_t kMostIdentifiers = 11;

void compare(const DmarcOutcome& outcome, const Case& input) {
  fuzz::HashedResolver resolver(input.zone);
  const auto expected = fuzz::reference_dmarc(input.author, input.identifiers, resolver);
  if (resolver.faults() > 0 || input.identifiers.size() > kMostIdentifiers) return;
  if (outcome.result == DmarcResult::permerror) return;  // a name that nobody can use
  require(outcome.result == expected.result, "a second implementation agrees on the result");
  require(outcome.organizational_domain == expected.organizational_domain, "on the organization");
  require(outcome.policy_domain == expected.policy_domain, "on the record");
  require(
      outcome.policy == expected.policy && outcome.published_policy == expected.published_policy,
      "on the policy");
}

void check_pass(const DmarcOutcome& outcome, const Case& input) {
  const bool passed = outcome.result == DmarcResult::pass;
  require(passed == (outcome.spf_aligned || outcome.dkim_aligned), "aligned is passed");
  require(!passed || outcome.policy_domain, "no pass without a record");
  const auto supports = [&](Identifier::Method method) {
    return std::any_of(
        input.identifiers.begin(), input.identifiers.end(), [&](const Identifier& one) {
          const auto& organization = outcome.organizational_domain;
          return one.method == method && one.state == Identifier::State::pass &&
                 (one.domain == input.author ||
                  (organization ? one.domain.is_equal_or_below(*organization)
                                : one.domain.rightmost(1) == input.author.rightmost(1)));
        });
  };
  require(!outcome.spf_aligned || supports(Identifier::Method::spf), "by an SPF identifier");
  require(!outcome.dkim_aligned || supports(Identifier::Method::dkim), "by a DKIM identifier");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  fuzz::Input head(data, input.part().size());
  const auto author = DomainName::parse(head.line());
  if (!author) return 0;
  Case subject{*author, {}, input.rest()};
  while (!head.empty() && subject.identifiers.size() < 16) {
    if (const auto one = read_identifier(head.line())) subject.identifiers.push_back(*one);
  }

  fuzz::HashedResolver resolver(subject.zone);
  const DmarcOutcome outcome = subject.evaluate(subject.identifiers, resolver);
  check_alone(outcome, subject);
  check_pass(outcome, subject);
  compare(outcome, subject);
  // RFC 9989 section 4.10: eight each, for the author and eleven identifiers; and its existence.
  require(resolver.questions().size() <= 8 * 12 + 3, "the queries are bounded");

  auto shuffled = subject.identifiers;
  for (std::size_t i = shuffled.size(); i > 1; --i)
    std::swap(shuffled[i - 1], shuffled[dice.roll(i)]);
  require(same(subject.evaluate(shuffled), outcome), "the order does not matter (A186)");

  std::vector<Identifier> unproven = subject.identifiers;
  for (auto& one : unproven) one.state = Identifier::State::temperror;
  require(subject.evaluate(unproven).result != DmarcResult::pass, "no pass by a temperror");
  require(subject.evaluate({}).result != DmarcResult::pass, "no pass by nobody");

  fuzz::HashedResolver alone(subject.zone);
  subject.evaluate({}, alone);
  require(alone.questions().size() <= 8 + 3, "one walk and the question of existence");

  auto more = subject.identifiers;
  more.push_back({Identifier::Method::dkim, *DomainName::parse("other.example"),
                  Identifier::State::temperror, "s2"});
  const auto with_more = subject.evaluate(more);
  require(outcome.result != DmarcResult::pass || with_more.result == DmarcResult::pass,
          "a pass is not lost by another identifier (A101)");
  fuzz::HashedResolver dead("F");
  const auto blind = subject.evaluate(subject.identifiers, dead);
  require(blind.result == DmarcResult::temperror || blind.result == DmarcResult::permerror,
          "no verdict without a DNS (A115)");
  return 0;
}
