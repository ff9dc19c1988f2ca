#pragma once

#include <cstdint>

#include <authmilter/dmarc.h>
#include <authmilter/domain_name.h>

#include "dmarc/organizational_domain.h"
#include "dmarc/tree_walk.h"

namespace authmilter {

/// `undecided`: a query that decides was not answered.
enum class Alignment : std::uint8_t { aligned, not_aligned, undecided };

/// The Author Domain's side of Identifier Alignment (RFC 9989 sections 4.4, 4.10.2).
struct AuthorSide {
  DomainName domain;
  OrganizationalDomain organizational_domain;
};

/// True when only a walk from `identifier` can tell.
bool needs_walk(const AuthorSide& author, const DomainName& identifier, AlignmentMode mode);

Alignment align(const AuthorSide& author, const DomainName& identifier, AlignmentMode mode,
                DomainDiscovery& discovery);

}  // namespace authmilter
