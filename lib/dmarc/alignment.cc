#include "dmarc/alignment.h"

#include <algorithm>

namespace authmilter {

bool needs_walk(const AuthorSide& author, const DomainName& identifier, AlignmentMode mode) {
  // RFC 9989 section 4.10.2: no walk for identical names, nor for strict alignment.
  if (identifier == author.domain || mode == AlignmentMode::strict) return false;
  // Nor where the suffix rules the identifier out. Otherwise a sender whose own DNS does not answer
  // could turn a fail into a temperror.
  return author.organizational_domain.may_contain(identifier);
}

Alignment align(const AuthorSide& author, const DomainName& identifier, AlignmentMode mode,
                DomainDiscovery& discovery) {
  if (identifier == author.domain) return Alignment::aligned;
  if (!needs_walk(author, identifier, mode)) return Alignment::not_aligned;
  const auto own = select_organizational_domain(discovery.walk(identifier));
  const auto& candidates = own.candidates();
  const bool may_be_same = std::any_of(
      candidates.begin(), candidates.end(),
      [&](const DomainName& candidate) { return author.organizational_domain.may_be(candidate); });
  if (!may_be_same) return Alignment::not_aligned;
  return own.certain() && author.organizational_domain.certain() ? Alignment::aligned
                                                                 : Alignment::undecided;
}

}  // namespace authmilter
