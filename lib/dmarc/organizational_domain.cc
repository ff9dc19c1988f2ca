#include "dmarc/organizational_domain.h"

#include <algorithm>

namespace authmilter {
namespace {

/// The name one label below `suffix` on the way to `start`. Made from `start`, as the cut to seven
/// labels may have left it out of the walk.
DomainName one_label_below(const DomainName& suffix, const DomainName& start) {
  return start.rightmost(suffix.label_count() + 1);
}

}  // namespace

std::optional<DomainName> OrganizationalDomain::certain() const {
  if (candidates_.size() != 1) return std::nullopt;
  return candidates_.front();
}

bool OrganizationalDomain::may_be(const DomainName& name) const {
  return std::find(candidates_.begin(), candidates_.end(), name) != candidates_.end();
}

bool OrganizationalDomain::may_contain(const DomainName& name) const {
  return std::any_of(candidates_.begin(), candidates_.end(), [&](const DomainName& candidate) {
    return name.is_equal_or_below(candidate);
  });
}

OrganizationalDomain select_organizational_domain(const TreeWalk& walk) {
  std::vector<DomainName> open;  // what unanswered queries might have made of it
  const auto decide = [&](const DomainName& name) {
    if (std::find(open.begin(), open.end(), name) == open.end()) open.push_back(name);
    return OrganizationalDomain(std::move(open));
  };
  const DomainName* fewest_labels = nullptr;
  for (const WalkNode* node : walk.nodes) {
    const bool at_start = node->name == walk.start;
    if (node->unknown) {
      open.push_back(node->name);
      if (!at_start) open.push_back(one_label_below(node->name, walk.start));
      continue;
    }
    if (!node->record) continue;
    switch (node->record->psd) {
      case PsdFlag::n:  // rule 1
        return decide(node->name);
      case PsdFlag::y:  // rule 2, which leaves out the start itself
        if (!at_start) return decide(one_label_below(node->name, walk.start));
        break;
      case PsdFlag::u:
        break;
    }
    fewest_labels = &node->name;
  }
  if (fewest_labels != nullptr) return decide(*fewest_labels);  // rule 3
  return decide(walk.start);
}

}  // namespace authmilter
