#include "dmarc/tree_walk.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <authmilter/dmarc.h>

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

/// RFC 9989 section 4.10, steps 2 and 6.
void select_record(const std::vector<std::string>& texts, WalkNode& node) {
  const std::string* only = nullptr;
  for (const std::string& text : texts) {
    if (!is_policy_record(text)) continue;
    if (only != nullptr) {
      node.outcome = "several records, all discarded";
      return;
    }
    only = &text;
  }
  if (only == nullptr) {
    node.outcome = "no record";
    return;
  }
  auto record = parse_policy_record(*only);
  if (!record) {
    node.outcome = "record ignored: " + record.error().message;
    return;
  }
  node.outcome = outcome_of(*record);
  node.record = std::move(*record);
}

}  // namespace

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
  WalkNode node{name, std::nullopt, false, std::nullopt, ""};
  if (const auto query = policy_record_name(name)) {
    const DnsQuestion question{*query, RrType::txt};
    const DnsAnswerRef answer = resolver_.resolve(question);
    switch (answer->status) {
      case DnsStatus::success:
        select_record(answer->texts(), node);
        break;
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
  return left_out_.try_emplace(name, WalkNode{name, std::nullopt, true, std::nullopt, "not asked"})
      .first->second;
}

}  // namespace authmilter
