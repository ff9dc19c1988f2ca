#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/resolver.h>

namespace authmilter {

enum class DmarcResult : std::uint8_t { none, pass, fail, temperror, permerror };
std::string_view to_string(DmarcResult result);

/// RFC 9989 section 4.7, `p`: what the Domain Owner asks for.
enum class AssessmentPolicy : std::uint8_t { none, quarantine, reject };
std::string_view to_string(AssessmentPolicy policy);

enum class AlignmentMode : std::uint8_t { relaxed, strict };

/// What SPF or DKIM said of a domain: all that DMARC knows of them. `temperror` marks an identifier
/// that might have passed had the DNS answered; anything else that did not pass is left out.
struct AuthenticatedIdentifier {
  enum class Method : std::uint8_t { spf, dkim };
  enum class State : std::uint8_t { pass, temperror };
  Method method;
  DomainName domain;
  State state = State::pass;
  std::string selector = "";                      // dkim only
  std::optional<FailedLookup> undecided_by = {};  // of a temperror, if the DNS is the reason
};

/// One query of a tree walk, for explanations.
struct WalkStep {
  DomainName name;      // without "_dmarc."
  std::string outcome;  // "no record", "record psd=n", "dns error", ...
};

struct DmarcOutcome {
  DmarcResult result = DmarcResult::none;
  std::optional<DomainName> author_domain;
  std::optional<DomainName> organizational_domain;
  std::optional<DomainName> policy_domain;  // where the record was found
  /// False when there is no policy, or when a lookup that decides it failed: then `policy` says
  /// nothing.
  bool policy_known = false;
  AssessmentPolicy policy = AssessmentPolicy::none;  // that applies, one step lower with t=y
  AssessmentPolicy published_policy = AssessmentPolicy::none;  // before t=y
  std::string policy_tag;  // "p", "sp" or "np": the tag that gave it; empty without a record
  std::string record;      // the record found, as published; printable ASCII, cut
  bool testing = false;    // t=y
  bool spf_aligned = false;
  bool dkim_aligned = false;
  std::string reason;  // stable: "no-record", "aligned-spf", "no-aligned-identifier",
                       // "multiple-from-fields", ...
  std::optional<FailedLookup> undecided_by;  // of a temperror, if the DNS is the reason
  std::vector<WalkStep> walk;                // the Author Domain's
  std::vector<std::string> notes;
};

/// Applies DMARC (RFC 9989) to a message whose Author Domain is known. Looks names up, so it
/// blocks.
DmarcOutcome evaluate_dmarc(const DomainName& author_domain,
                            std::span<const AuthenticatedIdentifier> identifiers,
                            Resolver& resolver);

/// Starts the lookups that evaluate_dmarc() will need for this author (RFC 9989 section 4.10).
/// Never blocks.
void prefetch_dmarc(const DomainName& author_domain, Resolver& resolver);

}  // namespace authmilter
