#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/findings.h>
#include <authmilter/forwarder.h>
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

/// A mailing list: its List-Id (RFC 2919), which anybody can write down, and a DKIM pass that
/// covers it by the domain that its administrator has named, without which that says nothing.
struct MailingList {
  DomainName id;
  DomainName signed_by;
  bool matches(const Findings& findings) const;
  /// That `signature` is by that domain and covers what the list says; its result is not asked.
  bool is_shown_by(const DkimOutcome& signature) const;
  bool operator==(const MailingList&) const = default;
};

/// `[[policy.override]]`: applies when every condition that it names holds; each list holds when
/// one member does. Recipients are looked at one by one, see decide().
struct PolicyOverride {
  NetworkSet client;
  DomainPatternSet author_domain;
  AddressPatternSet mail_from;
  AddressPatternSet recipient;
  DomainPatternSet dkim_domain;  // of a passing signature
  std::vector<MailingList> list;
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
  HashIndex lists_;
};

/// `[[policy.trusted_sealer]]`: somebody whose word about what reached him sets a failed DMARC
/// aside.
struct TrustedSealer {
  DomainName domain;    // d= of his seals, exactly
  NetworkSet networks;  // from which his mail comes to us; empty: from anywhere
  /// How long his word holds, by t= of his seal, which then has to be there; zero: for ever.
  std::chrono::seconds max_age{0};
  /// What becomes of a message instead of what DMARC's policy asks for; never reject, tempfail or
  /// discard.
  Disposition dmarc_reject = Disposition::accept;
  Disposition dmarc_quarantine = Disposition::accept;
  bool operator==(const TrustedSealer&) const = default;
};

/// What the chain of a message is worth, and why not more.
enum class SealerTrust : std::uint8_t {
  holds,
  undecided,  // it would hold, but the DNS does not say whether the chain does
  no_chain,   // or one whose fields make none
  chain_failed,
  sealer_not_trusted,   // he who sealed last; those before do not count
  other_network,        // he is trusted from other clients only
  too_old,              // he sealed it too long ago, or does not say when
  other_signer,         // the newest message signature is not his
  from_not_signed,      // it does not cover From
  added_fields,         // nor what was put on top of it, or a Subject, Date or Reply-To
  no_results,           // his results cannot be read, or say nothing of DMARC
  author_did_not_pass,  // they do not say that this author passed, and nothing else
};
std::string_view to_string(SealerTrust trust);

struct PolicyConfig {
  PolicyActions actions = default_policy_actions();
  std::string tag_subject;
  PolicyOverrides overrides;
  std::vector<TrustedSealer> trusted_sealers;
  std::vector<Forwarder> forwarders;
};

/// Judges the newest set of a chain. `sealer` is set for `holds` and `undecided`, and borrowed from
/// `policy`.
struct SealedWord {
  SealerTrust trust = SealerTrust::no_chain;
  const TrustedSealer* sealer = nullptr;
};
SealedWord sealed_word(const Findings& findings, const PolicyConfig& policy);

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
  arc_trusted,         // a trusted sealer's word sets a failed DMARC aside
  arc_temperror,       // it would, but the DNS does not say whether it is his
  override_temperror,  // an override would, but the DNS does not say whether a signature holds
  spf_fail,
  spf_softfail,
  spf_temperror,
  spf_permerror,
  limit_header,
  limit_dns,
  arc_seal,  // what is to be sealed cannot be, for the time being
  signing,
  internal,
};
/// "dmarc.reject", "spf.fail", "default".
std::string_view to_string(Rule rule);

/// Why a message that fails DMARC is not treated as its policy asks (RFC 9990, PolicyOverrideType).
enum class OverrideReason : std::uint8_t { local_policy, mailing_list, trusted_forwarder };
/// The token of a report: "trusted_forwarder".
std::string_view to_string(OverrideReason reason);

struct Decision {
  Disposition disposition = Disposition::accept;
  Rule rule = Rule::nothing;
  /// Its place in `[policy]`, from 0, where one decided, or would but for the DNS.
  std::optional<std::size_t> by_override;
  std::optional<DomainName> trusted_sealer = {};  // whose word decided
  /// For a report: why DMARC's policy was not followed, where it would have asked for something.
  std::optional<OverrideReason> override_reason = {};
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
/// Where DMARC fails and no override names the action, the word of a trusted sealer comes before
/// `[policy]`: his disposition where that is milder, and tempfail instead of what is stricter while
/// the DNS does not say whether it is his word.
///
/// A refusal by DMARC's policy that an override by a signature (`list`, `dkim_domain`) would make
/// milder is a tempfail while the DNS does not say whether that signature holds.
///
/// Of the overrides the first that applies counts, for each recipient by itself, and the message
/// gets the strictest of what its recipients would get: what is stricter than without an override
/// holds if any recipient matches, what is milder only if all do. A recipient that cannot be read
/// may be anybody: it matches what makes the message's lot worse.
Decision decide(const Findings& findings, const PolicyConfig& policy);

/// The results of one message for its Authentication-Results field, in the order spf, dkim, dmarc,
/// and then other_methods().
struct AuthenticationResults;
AuthenticationResults make_authentication_results(const Findings& findings,
                                                  const DomainName& authserv_id);

}  // namespace authmilter
