#pragma once

#include <optional>

#include <authmilter/dmarc.h>

#include "dmarc/alignment.h"
#include "dmarc/policy_discovery.h"
#include "dmarc/tree_walk.h"

namespace authmilter {

struct DmarcDiscovery::Impl {
  Impl(const DomainName& name, Resolver& resolver) : author_domain(name), answers(resolver) {}

  const DomainName author_domain;
  DomainDiscovery answers;
  /// Why the author cannot have a policy; the DNS is not asked, and what follows stays empty.
  DmarcReason unasked = DmarcReason::none;
  TreeWalk walk{author_domain, {}};
  std::optional<AuthorSide> author;
  DiscoveredPolicy policy;
};

}  // namespace authmilter
