#include "dmarc/tree_walk.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include <authmilter/dmarc.h>

#include "base/held_octets.h"

namespace authmilter {
namespace {

constexpr std::size_t kLabelsAfterCut = kWalkQueries - 1;

std::string outcome_of(const PolicyRecord& record) {
  switch (record.psd) {
    case PsdFlag::u:
      return "record";
    case PsdFlag::y:
      return "record psd=y";
    case PsdFlag::n:
      return "record psd=n";
  }
  return "record";
}

}  // namespace

PublishedPolicy PublishedPolicy::parse(const DnsAnswer& answer) {
  const std::string* only = nullptr;
  for (const DnsRecord& one : answer.records) {
    const auto* const txt = std::get_if<TxtRecord>(&one);
    if (txt == nullptr || !is_policy_record(txt->text)) continue;
    if (only != nullptr) return {std::nullopt, "several records, all discarded"};
    only = &txt->text;
  }
  if (only == nullptr) return {std::nullopt, "no record"};
  auto record = parse_policy_record(*only);
  if (!record) return {std::nullopt, "record ignored: " + record.error().message};
  std::string outcome = outcome_of(*record);
  return {std::move(*record), std::move(outcome)};
}

std::size_t PublishedPolicy::octets() const {
  std::size_t octets = held_octets(outcome);
  if (!record) return octets;
  octets += held_octets(record->text) + held_octets(record->fo) + held_octets(record->notes);
  for (const std::string& note : record->notes) octets += held_octets(note);
  for (const ReportDestinations* list : {&record->rua, &record->ruf}) {
    octets += held_octets(list->addresses);
    for (const ReportAddress& address : list->addresses)
      octets += held_octets(address.mailbox) + held_octets(address.domain.text());
  }
  return octets;
}

std::optional<DomainName> policy_record_name(const DomainName& name) {
  return name.below("_dmarc");
}

std::vector<DomainName> walk_names(const DomainName& start) {
  std::vector<DomainName> names{start};
  // RFC 9989 section 4.10, steps 3 and 4: x < 8 loses one label, a longer name all but seven.
  std::optional<DomainName> next = start.label_count() < kWalkQueries
                                       ? start.parent()
                                       : std::optional(start.rightmost(kLabelsAfterCut));
  // Step 7. The top-level domain is asked too: `psd=y` lives there.
  while (next) {
    names.push_back(*next);
    next = names.back().parent();
  }
  return names;
}

void prefetch_dmarc(const DomainName& author_domain, Resolver& resolver) {
  if (author_domain.label_count() < 2) return;  // has no policy
  for (const DomainName& name : walk_names(author_domain)) {
    if (const auto query = policy_record_name(name)) resolver.prefetch({*query, RrType::txt});
  }
}

const WalkNode* TreeWalk::own_record() const {
  return nodes.front()->record ? nodes.front() : nullptr;
}

const WalkNode* TreeWalk::first_unknown() const {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [](const WalkNode* node) { return node->unknown; });
  return found == nodes.end() ? nullptr : *found;
}

TreeWalk DomainDiscovery::walk(const DomainName& start) {
  TreeWalk walk{start, {}};
  bool give_up = false;
  for (const DomainName& name : walk_names(start)) {
    const WalkNode& node = give_up ? leave_unknown(name) : look_up(name);
    walk.nodes.push_back(&node);
    if (node.stops_walk()) break;
    // Without the start's own record nothing can be decided past an unanswered name, so nobody
    // waits for more answers. With it the policy is known, and each further answer may settle an
    // alignment.
    if (node.unknown && walk.own_record() == nullptr) give_up = true;
  }
  return walk;
}

const WalkNode& DomainDiscovery::look_up(const DomainName& name) {
  if (const auto known = asked_.find(name); known != asked_.end()) return known->second;
  WalkNode node{name, nullptr, false, std::nullopt, ""};
  if (const auto query = policy_record_name(name)) {
    const DnsQuestion question{*query, RrType::txt};
    const DnsAnswerRef answer = resolver_.resolve(question);
    switch (answer->status) {
      case DnsStatus::success: {
        const auto published = parsed<PublishedPolicy>(answer);
        if (published->record) node.record = {published, &*published->record};
        node.outcome = published->outcome;
        break;
      }
      case DnsStatus::no_data:
      case DnsStatus::nxdomain:
        node.outcome = "no record";
        break;
      case DnsStatus::temperror:
        node.unknown = true;
        node.failed = FailedLookup{question, answer->fault};
        node.outcome = "dns error (" + std::string(to_string(answer->fault)) + ")";
        break;
    }
  } else {
    // Only an identifier gets here: a name that cannot exist holds no record.
    node.outcome = "no record: the name is too long";
  }
  return asked_.emplace(name, std::move(node)).first->second;
}

const WalkNode& DomainDiscovery::leave_unknown(const DomainName& name) {
  if (const auto known = asked_.find(name); known != asked_.end()) return known->second;
  return left_out_.try_emplace(name, WalkNode{name, nullptr, true, std::nullopt, "not asked"})
      .first->second;
}

}  // namespace authmilter
