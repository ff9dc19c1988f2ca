#include "dmarc/policy_discovery.h"

namespace authmilter {
namespace {

using State = DiscoveredPolicy::State;

/// The record at the Organizational Domain, else the Public Suffix Domain's, else null. Records
/// between the Author Domain and its Organizational Domain are not for policy.
const WalkNode* inherited_record(const TreeWalk& walk, const DomainName& organizational_domain) {
  for (const WalkNode* node : walk.nodes) {
    if (node->record && node->name == organizational_domain) return node;
  }
  const WalkNode& last = *walk.nodes.back();
  return last.record && last.record->psd == PsdFlag::y ? &last : nullptr;
}

enum class Existence : std::uint8_t { exists, missing, unknown };
struct ExistenceAnswer {
  Existence existence;
  std::optional<FailedLookup> failed = {};  // why it is unknown
};

/// RFC 9989 section 3.2.13: a name is non-existent as in RFC 8020, where NXDOMAIN for any type says
/// so. An answer without data is that of a name that exists. TXT is the type that SPF asks for at
/// the same name, as a rule; and systemd-resolved 257 to 262 answers a question for another type of
/// a name that it knows not to exist with the first type in the question section, which no resolver
/// may take.
ExistenceAnswer existence_of(const DomainName& name, Resolver& resolver) {
  const DnsQuestion question{name, RrType::txt};
  const DnsAnswerRef answer = resolver.resolve(question);
  switch (answer->status) {
    case DnsStatus::success:
    case DnsStatus::no_data:
      return {Existence::exists};
    case DnsStatus::nxdomain:
      return {Existence::missing};
    case DnsStatus::temperror:
      return {Existence::unknown, FailedLookup{question, answer->fault}};
  }
  return {Existence::unknown};
}

AssessmentPolicy one_step_lower(AssessmentPolicy policy) {
  switch (policy) {
    case AssessmentPolicy::none:
    case AssessmentPolicy::quarantine:
      return AssessmentPolicy::none;
    case AssessmentPolicy::reject:
      return AssessmentPolicy::quarantine;
  }
  return AssessmentPolicy::none;
}

struct Choice {
  AssessmentPolicy policy;
  PolicyTag tag;
};

Choice for_existing_subdomain(const PolicyRecord& record) {
  if (record.sp) return {*record.sp, PolicyTag::sp};
  return {*record.p, PolicyTag::p};
}

/// RFC 9989 section 4.7, `np`: in its absence `sp` holds, in the absence of both `p`.
Choice for_missing_subdomain(const PolicyRecord& record) {
  if (record.np) return {*record.np, PolicyTag::np};
  return for_existing_subdomain(record);
}

/// RFC 9989 section 4.7, `t`: one level below, for p, sp and np alike.
AssessmentPolicy applied(const PolicyRecord& record, const Choice& choice) {
  return record.testing ? one_step_lower(choice.policy) : choice.policy;
}

}  // namespace

DiscoveredPolicy discover_policy(const TreeWalk& walk,
                                 const OrganizationalDomain& organizational_domain,
                                 Resolver& resolver) {
  DiscoveredPolicy found;
  found.source = walk.own_record();
  const bool inherited = found.source == nullptr;
  if (inherited) {
    // RFC 9989 section 5.3.6: a name that did not answer may hold the record that applies, so no
    // record above it may stand in.
    if (const WalkNode* unknown = walk.first_unknown()) {
      found.state = State::temperror;
      found.failed = unknown->failed;
      return found;
    }
    found.source = inherited_record(walk, *organizational_domain.certain());
    if (found.source == nullptr) return found;
  }

  const PolicyRecord& record = *found.source->record;
  if (record.invalid_policy) {
    // RFC 9989 section 4.10.1: acts as if p=none, for the sake of the reports; without anyone to
    // report to there is no DMARC for this message.
    found.state = record.rua.any_valid ? State::found : State::no_usable_policy;
    if (record.rua.any_valid) found.tag = PolicyTag::p;
    return found;
  }

  Choice choice{*record.p, PolicyTag::p};
  if (inherited) {
    choice = for_existing_subdomain(record);
    if (record.np) {
      const Choice missing = for_missing_subdomain(record);
      const auto answer = existence_of(walk.start, resolver);
      switch (answer.existence) {
        case Existence::missing:
          choice = missing;
          break;
        case Existence::unknown:
          // RFC 9989 section 5.3.6: a policy that is not known is not to be replaced by another.
          found.undecided = applied(record, missing) != applied(record, choice);
          found.failed = answer.failed;
          if (missing.policy > choice.policy) choice = missing;
          break;
        case Existence::exists:
          break;
      }
    }
  }
  found.state = State::found;
  found.published = choice.policy;
  found.tag = choice.tag;
  found.applies = applied(record, choice);
  return found;
}

}  // namespace authmilter
