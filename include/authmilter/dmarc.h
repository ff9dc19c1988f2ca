#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/policy_record.h>
#include <authmilter/reason.h>
#include <authmilter/resolver.h>

namespace authmilter {

enum class DmarcResult : std::uint8_t { none, pass, fail, temperror, permerror };
std::string_view to_string(DmarcResult result);

/// Why evaluate_dmarc() came to its result; of a temperror by the DNS its fault stands instead.
///
///   result     word                          meaning
///   pass       aligned-spf                   SPF's identifier aligns and passed
///              aligned-dkim                  at least one DKIM identifier does
///              aligned-spf-and-dkim          both
///   fail       no-aligned-identifier         a record applies, nothing that passed aligns
///   none       no-record                     the walk found no record that applies
///              no-usable-policy              the record has no valid policy and no `rua`
///              single-label-domain           nobody publishes a policy for such a name
///   temperror  aligned-identifier-temperror  SPF or DKIM of an aligned identifier had one
///              identifier-limit              too many identifiers that need a walk each
///              internal-error                libopendmarc refused what it must accept
///   permerror  unusable-author-domain        the name cannot take the `_dmarc.` prefix
///
/// Behind these are those of messages that do not come so far: the words of AuthorDomainError and
/// header-limit-exceeded (permerror), and not-judged (none, a message of ours).
enum class DmarcReason : std::uint8_t {
  none,
  aligned_spf,
  aligned_dkim,
  aligned_spf_and_dkim,
  no_aligned_identifier,
  no_record,
  no_usable_policy,
  single_label_domain,
  aligned_identifier_temperror,
  identifier_limit,
  internal_error,
  unusable_author_domain,
  no_author_domain,
  multiple_from_fields,
  multiple_author_domains,
  invalid_author_domain,
  malformed_field_name,
  bare_cr_in_header,
  broken_fold_in_header,
  header_limit_exceeded,
  not_judged,
};
std::string_view to_string(DmarcReason reason);

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
  std::optional<PolicyRecord> record;       // set with `policy_domain`
  /// False when there is no policy, or when a lookup that decides it failed: then `policy` says
  /// nothing.
  bool policy_known = false;
  AssessmentPolicy policy = AssessmentPolicy::none;  // that applies, one step lower with t=y
  AssessmentPolicy published_policy = AssessmentPolicy::none;  // before t=y
  std::optional<PolicyTag> policy_tag;  // that gave it; nothing without a policy
  bool spf_aligned = false;
  bool dkim_aligned = false;
  Reason<DmarcReason> reason;
  std::optional<FailedLookup> undecided_by;  // of a temperror, if the DNS is the reason
  std::vector<WalkStep> walk;                // the Author Domain's
  std::vector<std::string> notes;
};

/// What the DNS says about an Author Domain: the walk, the record and the policy that applies (RFC
/// 9989 sections 4.10 and 5.3.2), before anything has authenticated. Keeps the answers for the
/// walks of the identifiers to come, so `resolver` must outlive it. One thread at a time.
class DmarcDiscovery {
 public:
  DmarcDiscovery(DmarcDiscovery&& other) noexcept;
  DmarcDiscovery& operator=(DmarcDiscovery&& other) noexcept;
  ~DmarcDiscovery();
  const DomainName& author_domain() const;
  /// Nothing when the DNS left it open, and for an author that is not looked up.
  std::optional<DomainName> organizational_domain() const;
  /// Where the record was found, and the record; null when there is none, or none is known.
  const DomainName* policy_domain() const;
  const PolicyRecord* record() const;

  struct Impl;

 private:
  friend DmarcDiscovery discover_dmarc(const DomainName& author_domain, Resolver& resolver);
  friend DmarcOutcome evaluate_dmarc(DmarcDiscovery& discovery,
                                     std::span<const AuthenticatedIdentifier> identifiers);
  explicit DmarcDiscovery(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Looks the policy of an author up, so it blocks. Once for each message.
DmarcDiscovery discover_dmarc(const DomainName& author_domain, Resolver& resolver);

/// Applies what was discovered to what has authenticated (RFC 9989 sections 5.3.4 and 5.3.5). Walks
/// from identifiers whose alignment is open, so it blocks.
DmarcOutcome evaluate_dmarc(DmarcDiscovery& discovery,
                            std::span<const AuthenticatedIdentifier> identifiers);

/// Starts the lookups that discover_dmarc() will make for this author (RFC 9989 section 4.10).
/// Never blocks.
void prefetch_dmarc(const DomainName& author_domain, Resolver& resolver);

}  // namespace authmilter
