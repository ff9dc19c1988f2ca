#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/resolver.h>

#include "dmarc/policy_record.h"

namespace authmilter {

// RFC 9989 section 4.10: a walk is at most eight queries, however long the name.
constexpr std::size_t kWalkQueries = 8;

/// `_dmarc.` + `name`, where a record is looked for; nothing when that is too long for the DNS.
std::optional<DomainName> policy_record_name(const DomainName& name);

/// The names of a whole walk from `start` to its top-level domain, longest first: at most
/// kWalkQueries.
std::vector<DomainName> walk_names(const DomainName& start);

/// What the TXT records at one name of a walk come to (RFC 9989 section 4.10, steps 2 and 6).
struct PublishedPolicy {
  std::optional<PolicyRecord> record;  // the one that counts
  std::string outcome;                 // for explanations

  static PublishedPolicy parse(const DnsAnswer& answer);
  std::size_t octets() const;
};

/// What the DNS has at one name of a walk.
struct WalkNode {
  DomainName name;
  std::shared_ptr<const PolicyRecord> record;  // the one that counts; null without one
  bool unknown = false;                        // no answer, or the query was never made
  std::optional<FailedLookup> failed;          // why, if it was made
  std::string outcome;                         // for explanations

  /// RFC 9989 section 4.10, steps 2 and 6: such a record ends the walk.
  bool stops_walk() const { return record != nullptr && record->psd != PsdFlag::u; }
};

/// A walk's nodes from its start towards the top, as far as it went. They belong to the
/// DomainDiscovery.
struct TreeWalk {
  DomainName start;
  std::vector<const WalkNode*> nodes;

  /// The record at the start itself; null when there is none.
  const WalkNode* own_record() const;
  /// The first node without an answer; null for a complete walk.
  const WalkNode* first_unknown() const;
};

/// Walks up the DNS from any number of names (RFC 9989 section 4.10). Answers are remembered, so
/// keep one object per message. Not thread-safe. `resolver` must outlive it.
class DomainDiscovery {
 public:
  explicit DomainDiscovery(Resolver& resolver) : resolver_(resolver) {}

  TreeWalk walk(const DomainName& start);

 private:
  const WalkNode& look_up(const DomainName& name);
  const WalkNode& leave_unknown(const DomainName& name);

  Resolver& resolver_;
  std::map<DomainName, WalkNode> asked_;
  std::map<DomainName, WalkNode> left_out_;
};

}  // namespace authmilter
