#include <authmilter/dmarc.h>

#include "dmarc/tree_walk.h"

namespace authmilter {

void prefetch_dmarc(const DomainName& author_domain, Resolver& resolver) {
  if (author_domain.label_count() < 2) return;  // has no policy
  for (const DomainName& name : walk_names(author_domain)) {
    if (const auto query = policy_record_name(name)) resolver.prefetch({*query, RrType::txt});
  }
}

}  // namespace authmilter
