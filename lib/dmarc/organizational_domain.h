#pragma once

#include <optional>
#include <vector>

#include <authmilter/domain_name.h>

#include "dmarc/tree_walk.h"

namespace authmilter {

/// The Organizational Domain of a name, or, where a query of its walk was not answered, every name
/// that it might be. Never empty.
class OrganizationalDomain {
 public:
  explicit OrganizationalDomain(std::vector<DomainName> candidates)
      : candidates_(std::move(candidates)) {}

  /// Nothing when the DNS left it open.
  std::optional<DomainName> certain() const;
  const std::vector<DomainName>& candidates() const { return candidates_; }
  bool may_be(const DomainName& name) const;
  /// RFC 9989 section 4.10.2: `name` can share this Organizational Domain only if it equals it or
  /// is below it.
  bool may_contain(const DomainName& name) const;

 private:
  std::vector<DomainName> candidates_;
};

/// Selects the Organizational Domain of a walk's start (RFC 9989 section 4.10.2).
OrganizationalDomain select_organizational_domain(const TreeWalk& walk);

}  // namespace authmilter
