#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/findings.h>
#include <authmilter/match_set.h>
#include <authmilter/network_set.h>
#include <authmilter/pattern.h>
#include <authmilter/smtp_reply.h>

namespace authmilter {

/// What happens to a message, mildest first but for discard.
enum class Disposition : std::uint8_t { accept, tag, quarantine, reject, tempfail, discard };
std::string_view to_string(Disposition disposition);

/// The actions of `[policy]`; an override has only those it names.
struct PolicyActions {
  std::optional<Disposition> spf_fail, spf_softfail, spf_temperror, spf_permerror;
  std::optional<Disposition> dmarc_reject, dmarc_quarantine, dmarc_temperror, dmarc_permerror;
  bool operator==(const PolicyActions&) const = default;
};
/// Every member set: the documented defaults.
PolicyActions default_policy_actions();

/// `[[policy.override]]`: applies when every condition that it names holds; each list holds when
/// one member does. Recipients are looked at one by one, see decide().
struct PolicyOverride {
  NetworkSet client;
  DomainPatternSet author_domain;
  AddressPatternSet mail_from;
  AddressPatternSet recipient;
  DomainPatternSet dkim_domain;  // of a passing signature
  PolicyActions actions;
  bool operator==(const PolicyOverride&) const = default;
};

/// The overrides in the order of the file, with an index: each stands under the members of one of
/// its conditions, that which the fewest others share, and for a message only those are looked at
/// that stand under something that it has. Immutable.
class PolicyOverrides {
 public:
  PolicyOverrides() = default;
  PolicyOverrides(std::vector<PolicyOverride> overrides);  // NOLINT: it is the same list
  PolicyOverrides(std::initializer_list<PolicyOverride> overrides)
      : PolicyOverrides(std::vector(overrides)) {}

  /// Those that apply to a message: for each recipient the first whose conditions all hold, and
  /// null where none does. A recipient that cannot be read as a mailbox may be anybody, so for it
  /// there is whatever could apply, the first of those with the same actions; only then all
  /// overrides are looked at. Each is there once; never empty.
  std::vector<const PolicyOverride*> in_force(const Findings& findings) const;

  bool empty() const { return overrides_.empty(); }
  std::size_t size() const { return overrides_.size(); }
  auto begin() const { return overrides_.begin(); }
  auto end() const { return overrides_.end(); }
  const PolicyOverride& operator[](std::size_t place) const { return overrides_[place]; }
  /// Where one of these stands, from 0.
  std::size_t place_of(const PolicyOverride& override_rule) const {
    return static_cast<std::size_t>(&override_rule - overrides_.data());
  }
  bool operator==(const PolicyOverrides& other) const { return overrides_ == other.overrides_; }

 private:
  friend class OverrideMatch;
  std::vector<PolicyOverride> overrides_;
  std::vector<std::uint32_t> unconditional_;  // not of a file: there each has a condition
  NetworkIndex clients_;
  HashIndex author_domains_;
  HashIndex reverse_paths_;
  HashIndex recipients_;
  HashIndex signers_;
};

struct PolicyConfig {
  PolicyActions actions = default_policy_actions();
  std::string tag_subject;
  PolicyOverrides overrides;
};

/// What decided about a message. Behind the findings' own are those that the policy is not asked
/// for: a limit, a message of ours, a failure of ours.
enum class Rule : std::uint8_t {
  nothing,
  dmarc_pass,
  dmarc_reject,
  dmarc_quarantine,
  dmarc_none,
  dmarc_temperror,
  dmarc_permerror,
  spf_fail,
  spf_softfail,
  spf_temperror,
  spf_permerror,
  limit_header,
  limit_dns,
  signing,
  internal,
};
/// "dmarc.reject", "spf.fail", "default".
std::string_view to_string(Rule rule);

struct Decision {
  Disposition disposition = Disposition::accept;
  Rule rule = Rule::nothing;
  std::optional<std::size_t> by_override;  // its place in `[policy]`, from 0, where one decided
  std::string reason;              // one line for the log and the X-Authmilter-Verdict field
  std::optional<SmtpReply> reply;  // for reject and tempfail
};

/// The rule as it is logged: "dmarc.reject", "spf.fail (override 2)", counted from 1 in the order
/// of the file.
std::string rule_text(const Decision& decision);

/// Pure. A DMARC pass ends it: the message is the author's. With a DMARC policy that applies, that
/// decides; without one (none, temperror, permerror) the strictest of the actions for DMARC's and
/// SPF's results does. DMARC with p=none asks for nothing, so SPF's action counts there too.
///
/// Of the overrides the first that applies counts, for each recipient by itself, and the message
/// gets the strictest of what its recipients would get: what is stricter than without an override
/// holds if any recipient matches, what is milder only if all do. A recipient that cannot be read
/// may be anybody: it matches what makes the message's lot worse.
Decision decide(const Findings& findings, const PolicyConfig& policy);

/// The results of one message for its Authentication-Results field, in the order spf, dkim, dmarc, and
/// then other_methods().
struct AuthenticationResults;
AuthenticationResults make_authentication_results(const Findings& findings,
                                                  const DomainName& authserv_id);

}  // namespace authmilter
