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
  std::vector<DomainName> candidates;
  const auto add = [&](const DomainName& name) {
    if (std::find(candidates.begin(), candidates.end(), name) == candidates.end())
      candidates.push_back(name);
  };
  const DomainName* fewest_labels = nullptr;
  for (const WalkNode* node : walk.nodes) {
    const bool at_start = node->name == walk.start;
    if (node->unknown) {  // might hold psd=n, or psd=y, or neither
      add(node->name);
      if (!at_start) add(one_label_below(node->name, walk.start));
      continue;
    }
    if (!node->record) continue;
    switch (node->record->psd) {
      case PsdFlag::n:  // rule 1
        add(node->name);
        return OrganizationalDomain(std::move(candidates));
      case PsdFlag::y:  // rule 2, which leaves out the start itself
        if (at_start) break;
        add(one_label_below(node->name, walk.start));
        return OrganizationalDomain(std::move(candidates));
      case PsdFlag::u:
        break;
    }
    fewest_labels = &node->name;
  }
  add(fewest_labels != nullptr ? *fewest_labels : walk.start);  // rule 3, or no record at all
  return OrganizationalDomain(std::move(candidates));
}

}  // namespace authmilter
