#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/resolver.h>

#include "spf/grammar.h"

namespace authmilter {

/// What is found where a record is looked for.
enum class SpfNodeState : std::uint8_t {
  record,
  none,          // no SPF record
  several,       // more than one
  broken,        // a syntax error
  loop,          // a record that led here is at the same name
  unanswered,    // DNS trouble
  not_followed,  // the name has macros, so it is another one for each message
};

/// One record of a domain's SPF policy: its own, or one that include or redirect name.
struct SpfNode {
  std::string name;  // printable
  std::string via;   // the term that led here, printable; empty: the domain's own
  std::size_t parent = 0;
  bool own = false;  // the domain's own, or at a name below it
  SpfNodeState state = SpfNodeState::none;
  DnsAnswerRef answer;             // null: not asked
  std::vector<std::string> texts;  // the TXT records that are SPF's
  spf::Record record;              // of state `record`
  std::string trouble;             // for people: of `broken`, with the position

  /// Terms that are tried: those up to `all`, which matches everybody (RFC 7208 section 5.1).
  std::size_t reached_terms() const;
  const spf::Term* all() const;
};

/// A domain's whole SPF policy, as a receiver sees it that finds no match before the end.
struct SpfTree {
  std::vector<SpfNode> nodes;           // parents before children; the first is the domain's own
  bool cut = false;                     // there are more records than are looked at
  unsigned lookups = 0;                 // terms that RFC 7208 section 4.6.4 counts
  std::vector<std::string> void_terms;  // whose lookups come back empty
  std::vector<std::string> crowded_mx;  // mx terms that find more than ten hosts
  std::vector<FailedLookup> failed;

  const SpfNode& own() const { return nodes.front(); }
  /// The domain's own record, and those that redirect leads to, as far as they are records.
  std::vector<const SpfNode*> deciding_records() const;
  /// The `all` of the last of these; null without one.
  const spf::Term* deciding_all() const;
  /// No term of these lets anybody send.
  bool permits_nobody() const;
};

/// Asks for all that the records name without macros.
SpfTree walk_spf(const DomainName& domain, Resolver& dns);

}  // namespace authmilter
