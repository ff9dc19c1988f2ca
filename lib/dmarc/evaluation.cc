#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <authmilter/dmarc.h>

#include "dmarc/alignment.h"
#include "dmarc/discovery.h"
#include "dmarc/opendmarc_bridge.h"
#include "dmarc/tree_walk.h"

namespace authmilter {
namespace {

using Method = AuthenticatedIdentifier::Method;
using State = AuthenticatedIdentifier::State;

// Identifiers that need a walk of their own: ten signatures and SPF. Each walk is up to seven
// queries that the sender chose.
constexpr std::size_t kIdentifierWalks = 11;
constexpr std::size_t kNotes = 32;

void note(DmarcOutcome& outcome, std::string text) {
  if (outcome.notes.size() < kNotes) outcome.notes.push_back(std::move(text));
}

DmarcOutcome& conclude(DmarcOutcome& outcome, DmarcResult result, DmarcReason reason) {
  outcome.result = result;
  outcome.reason = reason;
  return outcome;
}

/// What leaves a result open, and the lookup behind it where the DNS is the reason.
struct OpenEnd {
  Reason<DmarcReason> reason;
  std::optional<FailedLookup> lookup;
};

OpenEnd open_end(const std::optional<FailedLookup>& lookup) {
  // Without a lookup it was never made; that never happens to the first unknown node of a walk.
  if (!lookup) return {DmarcReason::internal_error, {}};
  return {Reason<DmarcReason>(lookup->fault), lookup};
}

DmarcOutcome& leave_open(DmarcOutcome& outcome, OpenEnd end) {
  outcome.result = DmarcResult::temperror;
  outcome.reason = std::move(end.reason);
  outcome.undecided_by = std::move(end.lookup);
  return outcome;
}

std::string_view to_string(Method method) {
  switch (method) {
    case Method::spf:
      return "spf";
    case Method::dkim:
      return "dkim";
  }
  return "";
}

std::string_view to_string(Alignment alignment) {
  switch (alignment) {
    case Alignment::aligned:
      return "aligned";
    case Alignment::not_aligned:
      return "not aligned";
    case Alignment::undecided:
      return "alignment unknown: dns error";
  }
  return "";
}

/// The identifiers in an order of ours, so that nothing depends on the order in which a message
/// brings them.
std::vector<AuthenticatedIdentifier> sorted(std::span<const AuthenticatedIdentifier> identifiers) {
  std::vector<AuthenticatedIdentifier> list(identifiers.begin(), identifiers.end());
  const auto key = [](const AuthenticatedIdentifier& identifier) {
    return std::tie(identifier.state, identifier.method, identifier.domain, identifier.selector);
  };
  std::sort(list.begin(), list.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return list;
}

/// What the identifiers of a message amount to (RFC 9989 sections 5.3.4, 5.3.5).
struct Alignments {
  bool spf = false;                         // aligned, passed
  std::vector<std::string> dkim_selectors;  // of those that aligned and passed
  std::optional<OpenEnd> open;              // the first that might have made a pass
};

/// Why a walk from `identifier` did not decide.
OpenEnd open_walk(const AuthorSide& author, const TreeWalk& author_walk,
                  const DomainName& identifier, DomainDiscovery& discovery) {
  if (!author.organizational_domain.certain()) return open_end(author_walk.first_unknown()->failed);
  return open_end(discovery.walk(identifier).first_unknown()->failed);
}

Alignments check_alignment(const AuthorSide& author, const TreeWalk& author_walk,
                           const PolicyRecord& record,
                           std::span<const AuthenticatedIdentifier> identifiers,
                           DomainDiscovery& discovery, DmarcOutcome& outcome) {
  Alignments found;
  std::set<DomainName> walked;
  const auto stays_open = [&](OpenEnd end) {
    if (!found.open) found.open = std::move(end);
  };
  for (const AuthenticatedIdentifier& identifier : sorted(identifiers)) {
    const AlignmentMode mode = identifier.method == Method::spf ? record.aspf : record.adkim;
    std::string text = std::string(to_string(identifier.method)) + " " + identifier.domain.text();
    if (identifier.state == State::temperror) text += " (temperror)";

    if (needs_walk(author, identifier.domain, mode) && !walked.contains(identifier.domain)) {
      if (walked.size() == kIdentifierWalks) {
        note(outcome, text + ": not walked, too many identifiers");
        stays_open({DmarcReason::identifier_limit, std::nullopt});
        continue;
      }
      walked.insert(identifier.domain);
    }
    const Alignment alignment = align(author, identifier.domain, mode, discovery);
    note(outcome, text + ": " + std::string(to_string(alignment)));
    if (alignment == Alignment::not_aligned) continue;
    // A pass of another identifier wins over what stays open here; see evaluate_dmarc().
    if (alignment == Alignment::undecided) {
      stays_open(open_walk(author, author_walk, identifier.domain, discovery));
    } else if (identifier.state == State::temperror) {
      stays_open({DmarcReason::aligned_identifier_temperror, identifier.undecided_by});
    } else if (identifier.method == Method::spf) {
      found.spf = true;
    } else {
      found.dkim_selectors.push_back(identifier.selector);
    }
  }
  return found;
}

DmarcReason pass_reason(const DmarcOutcome& outcome) {
  if (outcome.spf_aligned && outcome.dkim_aligned) return DmarcReason::aligned_spf_and_dkim;
  return outcome.spf_aligned ? DmarcReason::aligned_spf : DmarcReason::aligned_dkim;
}

void describe_record(const WalkNode& source, DmarcOutcome& outcome) {
  outcome.policy_domain = source.name;
  outcome.record = *source.record;
  for (const std::string& text : source.record->notes) note(outcome, "record: " + text);
}

std::vector<std::string> uris(const ReportDestinations& destinations) {
  std::vector<std::string> list;
  for (const ReportAddress& address : destinations.addresses) list.push_back(address.uri());
  return list;
}

OpendmarcInput input_for_opendmarc(const DmarcOutcome& outcome, const PolicyRecord& record,
                                   const Alignments& alignments) {
  OpendmarcInput input{*outcome.author_domain,    outcome.policy,   alignments.spf,
                       alignments.dkim_selectors, uris(record.rua), {}};
  // RFC 9991: `ruf` of a psd=y record is not used. Its operator would read of other people's mail.
  if (record.psd != PsdFlag::y) input.ruf = uris(record.ruf);
  return input;
}

}  // namespace

DmarcOutcome evaluate_dmarc(DmarcDiscovery& discovery,
                            std::span<const AuthenticatedIdentifier> identifiers) {
  DmarcDiscovery::Impl& found = *discovery.impl_;
  DmarcOutcome outcome;
  outcome.author_domain = found.author_domain;
  if (found.unasked == DmarcReason::single_label_domain)
    return conclude(outcome, DmarcResult::none, found.unasked);
  if (found.unasked != DmarcReason::none)
    return conclude(outcome, DmarcResult::permerror, found.unasked);
  for (const WalkNode* node : found.walk.nodes) outcome.walk.push_back({node->name, node->outcome});
  const AuthorSide& author = *found.author;
  outcome.organizational_domain = author.organizational_domain.certain();

  const DiscoveredPolicy& policy = found.policy;
  switch (policy.state) {
    case DiscoveredPolicy::State::temperror:
      return leave_open(outcome, open_end(policy.failed));
    case DiscoveredPolicy::State::no_record:
      return conclude(outcome, DmarcResult::none, DmarcReason::no_record);
    case DiscoveredPolicy::State::no_usable_policy:
      describe_record(*policy.source, outcome);
      return conclude(outcome, DmarcResult::none, DmarcReason::no_usable_policy);
    case DiscoveredPolicy::State::found:
      break;
  }
  describe_record(*policy.source, outcome);
  outcome.policy_known = !policy.undecided;
  outcome.policy = policy.applies;
  outcome.published_policy = policy.published;
  outcome.policy_tag = policy.tag;
  if (policy.undecided)
    note(outcome, "whether the author domain exists is unknown, and with it the policy");

  // RFC 9989 sections 5.3.4 and 5.3.5: one aligned identifier that passed is enough.
  const PolicyRecord& record = *policy.source->record;
  const Alignments alignments =
      check_alignment(author, found.walk, record, identifiers, found.answers, outcome);
  outcome.spf_aligned = alignments.spf;
  outcome.dkim_aligned = !alignments.dkim_selectors.empty();
  const bool passes = outcome.spf_aligned || outcome.dkim_aligned;
  // RFC 9989 section 5.3.6: with a query open there is neither a pass nor a fail.
  if (!passes && alignments.open) return leave_open(outcome, *alignments.open);
  if (!passes && policy.undecided) return leave_open(outcome, open_end(policy.failed));

  const auto verdict = ask_opendmarc(input_for_opendmarc(outcome, record, alignments));
  if (!verdict || verdict->pass != passes || (!passes && verdict->policy != outcome.policy)) {
    outcome.spf_aligned = outcome.dkim_aligned = false;
    return conclude(outcome, DmarcResult::temperror, DmarcReason::internal_error);
  }
  for (const std::string& uri : verdict->rua) note(outcome, "aggregate reports: " + uri);
  for (const std::string& uri : verdict->ruf) note(outcome, "failure reports: " + uri);
  if (!verdict->pass)
    return conclude(outcome, DmarcResult::fail, DmarcReason::no_aligned_identifier);
  return conclude(outcome, DmarcResult::pass, pass_reason(outcome));
}

}  // namespace authmilter
