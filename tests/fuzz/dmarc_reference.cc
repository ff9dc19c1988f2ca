#include "dmarc_reference.h"

#include <algorithm>

#include "dmarc/policy_record.h"

namespace authmilter::fuzz {
namespace {

struct Found {
  DomainName name;
  PolicyRecord record;
};

std::optional<PolicyRecord> record_at(const DomainName& name, Resolver& resolver) {
  const auto question = name.below("_dmarc");
  if (!question) return std::nullopt;
  const auto answer = resolver.resolve({*question, RrType::txt});
  const auto texts = answer->texts();
  // RFC 9989 section 4.10: more than one record is none.
  if (std::count_if(texts.begin(), texts.end(), is_policy_record) != 1) return std::nullopt;
  auto record = parse_policy_record(*std::find_if(texts.begin(), texts.end(), is_policy_record));
  if (!record) return std::nullopt;
  return std::move(*record);
}

/// RFC 9989 section 4.10: the DNS Tree Walk, longest name first.
std::vector<Found> walk(const DomainName& start, Resolver& resolver) {
  std::vector<Found> found;
  std::optional<DomainName> name = start;
  while (name) {
    if (auto record = record_at(*name, resolver)) {
      found.push_back({*name, std::move(*record)});
      if (found.back().record.psd != PsdFlag::u) break;
    }
    name = name == start && start.label_count() >= 8 ? start.rightmost(7) : name->parent();
  }
  return found;
}

/// RFC 9989 section 4.10.2.
DomainName organizational_domain(const DomainName& start, const std::vector<Found>& found) {
  for (const Found& one : found) {
    if (one.record.psd == PsdFlag::n) return one.name;
    if (one.record.psd == PsdFlag::y && one.name != start) {
      return start.rightmost(one.name.label_count() + 1);
    }
  }
  return found.empty() ? start : found.back().name;
}

/// RFC 9989 section 4.10.1: the Author Domain's record, its Organizational Domain's, the PSD's.
const Found* policy_source(const DomainName& author, const DomainName& organization,
                           const std::vector<Found>& found) {
  const auto at = [&](auto predicate) {
    const auto place = std::find_if(found.begin(), found.end(), predicate);
    return place == found.end() ? nullptr : &*place;
  };
  if (const Found* own = at([&](const Found& one) { return one.name == author; })) return own;
  if (const Found* above = at([&](const Found& one) { return one.name == organization; })) {
    return above;
  }
  return at([](const Found& one) { return one.record.psd == PsdFlag::y; });
}

void choose_policy(const Found& source, Resolver& resolver, DmarcOutcome& outcome) {
  const PolicyRecord& record = source.record;
  outcome.policy_tag = PolicyTag::p;
  std::optional<AssessmentPolicy> policy = record.p;
  if (source.name != *outcome.author_domain) {
    if (record.sp) {
      policy = record.sp;
      outcome.policy_tag = PolicyTag::sp;
    }
    const auto answer = resolver.resolve({*outcome.author_domain, RrType::txt});
    if (record.np && answer->status == DnsStatus::nxdomain) {
      policy = record.np;
      outcome.policy_tag = PolicyTag::np;
    }
  }
  if (record.invalid_policy) policy = AssessmentPolicy::none;
  outcome.published_policy = outcome.policy = *policy;
  if (record.testing && *policy == AssessmentPolicy::quarantine) {
    outcome.policy = AssessmentPolicy::none;
  }
  if (record.testing && *policy == AssessmentPolicy::reject) {
    outcome.policy = AssessmentPolicy::quarantine;
  }
}

}  // namespace

DmarcOutcome reference_dmarc(const DomainName& author,
                             std::span<const AuthenticatedIdentifier> identifiers,
                             Resolver& resolver) {
  DmarcOutcome outcome;
  outcome.author_domain = author;
  const auto found = walk(author, resolver);
  const DomainName organization = organizational_domain(author, found);
  outcome.organizational_domain = organization;
  const Found* source = policy_source(author, organization, found);
  if (source == nullptr) return outcome;
  outcome.policy_domain = source->name;
  if (source->record.invalid_policy && !source->record.rua.any_valid) return outcome;
  choose_policy(*source, resolver, outcome);

  outcome.result = DmarcResult::fail;
  for (const AuthenticatedIdentifier& one : identifiers) {
    const bool spf = one.method == AuthenticatedIdentifier::Method::spf;
    const auto mode = spf ? source->record.aspf : source->record.adkim;
    const bool aligned =
        one.domain == author ||
        (mode == AlignmentMode::relaxed &&
         organizational_domain(one.domain, walk(one.domain, resolver)) == organization);
    if (!aligned || outcome.result == DmarcResult::pass) continue;
    const bool passed = one.state == AuthenticatedIdentifier::State::pass;
    outcome.result = passed ? DmarcResult::pass : DmarcResult::temperror;
  }
  return outcome;
}

}  // namespace authmilter::fuzz
