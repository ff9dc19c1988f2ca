#include <cstddef>
#include <optional>
#include <vector>

#include "policy/reply.h"
#include "policy/rule.h"
#include "policy/undecided_override.h"

namespace authmilter {
namespace {

using Action = std::optional<Disposition> PolicyActions::*;

/// From what leaves the message as it was to what loses it without a word. A reject is stricter
/// than a tempfail, which may end in delivery.
int strictness(Disposition disposition) {
  switch (disposition) {
    case Disposition::accept:
      return 0;
    case Disposition::tag:
      return 1;
    case Disposition::quarantine:
      return 2;
    case Disposition::tempfail:
      return 3;
    case Disposition::reject:
      return 4;
    case Disposition::discard:
      return 5;
  }
  return 0;
}

struct Candidate {
  Rule rule = Rule::nothing;
  Disposition disposition = Disposition::accept;
  std::optional<std::size_t> by_override = {};
  std::optional<DomainName> trusted_sealer = {};
  const DkimOutcome* undecided = nullptr;  // of Rule::override_temperror
};

/// What may stand in the place of a disposition that DMARC's policy asks for: `asked` is what
/// `[policy]` makes of it. One more kind of evidence is one more function in kSetAside.
using SetAside = std::optional<Candidate> (*)(const Findings&, const PolicyConfig&,
                                              const Candidate& asked);

std::optional<Candidate> by_trusted_sealer(const Findings& findings, const PolicyConfig& policy,
                                           const Candidate& asked) {
  if (policy.trusted_sealers.empty()) return std::nullopt;
  const SealedWord word = sealed_word(findings, policy);
  if (word.sealer == nullptr) return std::nullopt;
  Candidate instead{.rule = Rule::arc_trusted,
                    .disposition = asked.rule == Rule::dmarc_quarantine
                                       ? word.sealer->dmarc_quarantine
                                       : word.sealer->dmarc_reject,
                    .trusted_sealer = word.sealer->domain};
  if (strictness(instead.disposition) >= strictness(asked.disposition)) return std::nullopt;
  if (word.trust == SealerTrust::holds) return instead;
  // Neither a refusal nor a pass can be taken back; what is milder than waiting stays.
  instead.rule = Rule::arc_temperror;
  instead.disposition = Disposition::tempfail;
  if (strictness(instead.disposition) >= strictness(asked.disposition)) return std::nullopt;
  return instead;
}

constexpr SetAside kSetAside[] = {by_trusted_sealer};

/// The actions in force: those of an override, and `[policy]` for what it does not name.
class ActionTable {
 public:
  /// `override_rule` may be null.
  ActionTable(const PolicyOverride* override_rule, const PolicyConfig& policy)
      : policy_(policy), override_(override_rule) {}

  Candidate candidate(Rule rule, Action action) const {
    if (override_ != nullptr && override_->actions.*action)
      return {rule, *(override_->actions.*action), policy_.overrides.place_of(*override_)};
    const auto configured = policy_.actions.*action;
    // A hand-made PolicyActions may leave one out; an unjudged failure must not slip through.
    return {rule, configured ? *configured : (default_policy_actions().*action).value()};
  }

 private:
  const PolicyConfig& policy_;
  const PolicyOverride* override_;
};

std::optional<Candidate> judge_dmarc(const DmarcOutcome& dmarc, const ActionTable& actions) {
  switch (dmarc.result) {
    case DmarcResult::none:
      return std::nullopt;
    case DmarcResult::pass:
      return Candidate{Rule::dmarc_pass, Disposition::accept};
    case DmarcResult::fail:
      break;
    case DmarcResult::temperror:
      // Whatever the DNS would have said, a Domain Owner who asks for nothing asks for nothing.
      if (dmarc.policy_known && dmarc.policy == AssessmentPolicy::none)
        return Candidate{Rule::dmarc_none, Disposition::accept};
      return actions.candidate(Rule::dmarc_temperror, &PolicyActions::dmarc_temperror);
    case DmarcResult::permerror:
      return actions.candidate(Rule::dmarc_permerror, &PolicyActions::dmarc_permerror);
  }
  switch (dmarc.policy) {
    case AssessmentPolicy::none:
      // RFC 9989 section 4.7, p=none: the Domain Owner asks for nothing.
      return Candidate{Rule::dmarc_none, Disposition::accept};
    case AssessmentPolicy::quarantine:
      return actions.candidate(Rule::dmarc_quarantine, &PolicyActions::dmarc_quarantine);
    case AssessmentPolicy::reject:
      return actions.candidate(Rule::dmarc_reject, &PolicyActions::dmarc_reject);
  }
  return std::nullopt;
}

/// True when DMARC's word is the last one: the author is proven, or its domain has said what shall
/// happen, or that is set aside.
bool is_final(Rule rule) {
  return rule == Rule::dmarc_pass || rule == Rule::dmarc_quarantine || rule == Rule::dmarc_reject ||
         rule == Rule::arc_trusted || rule == Rule::arc_temperror;
}

std::optional<Candidate> judge_spf(const SpfOutcome& spf, const ActionTable& actions) {
  switch (spf.result) {
    case SpfResult::none:
    case SpfResult::neutral:
    case SpfResult::pass:
      return std::nullopt;
    case SpfResult::fail:
      return actions.candidate(Rule::spf_fail, &PolicyActions::spf_fail);
    case SpfResult::softfail:
      return actions.candidate(Rule::spf_softfail, &PolicyActions::spf_softfail);
    case SpfResult::temperror:
      return actions.candidate(Rule::spf_temperror, &PolicyActions::spf_temperror);
    case SpfResult::permerror:
      return actions.candidate(Rule::spf_permerror, &PolicyActions::spf_permerror);
  }
  return std::nullopt;
}

/// An override that names the action has thought of such mail, and stands.
Candidate set_aside(const Findings& findings, const PolicyConfig& policy, const Candidate& asked) {
  const bool refused = asked.rule == Rule::dmarc_reject || asked.rule == Rule::dmarc_quarantine;
  if (!refused || asked.by_override) return asked;
  for (const SetAside way : kSetAside) {
    if (auto instead = way(findings, policy, asked)) return *instead;
  }
  return asked;
}

Candidate judge(const Findings& findings, const PolicyConfig& policy, const ActionTable& actions) {
  auto dmarc = judge_dmarc(findings.dmarc, actions);
  if (dmarc) dmarc = set_aside(findings, policy, *dmarc);
  if (dmarc && is_final(dmarc->rule)) return *dmarc;
  const SpfOutcome* outcome = deciding_spf(findings);
  const auto spf = outcome != nullptr ? judge_spf(*outcome, actions) : std::nullopt;
  if (dmarc && spf) {
    const bool spf_is_stricter = strictness(spf->disposition) > strictness(dmarc->disposition);
    return spf_is_stricter ? *spf : *dmarc;
  }
  return dmarc ? *dmarc : spf.value_or(Candidate{});
}

/// A message has one fate for all who get it: the strictest of those that they would get alone.
Candidate strictest(const Findings& findings, const PolicyConfig& policy,
                    const std::vector<const PolicyOverride*>& rules) {
  std::optional<Candidate> chosen;
  for (const PolicyOverride* rule : rules) {
    const ActionTable actions(rule, policy);
    const Candidate candidate = judge(findings, policy, actions);
    if (chosen && strictness(candidate.disposition) <= strictness(chosen->disposition)) continue;
    chosen = candidate;
  }
  return chosen.value_or(Candidate{});
}

/// A refusal cannot be taken back, so what an override by a signature might spare it waits for the
/// DNS; what is milder than waiting stays.
Candidate unless_undecided(const Findings& findings, const PolicyConfig& policy,
                           const Candidate& asked) {
  const bool refused = asked.rule == Rule::dmarc_reject || asked.rule == Rule::dmarc_quarantine;
  if (!refused || strictness(asked.disposition) <= strictness(Disposition::tempfail)) return asked;
  const auto undecided = undecided_overrides(findings, policy.overrides);
  if (!undecided) return asked;
  const Candidate supposed = strictest(findings, policy, undecided->rules);
  if (strictness(supposed.disposition) >= strictness(asked.disposition)) return asked;
  return {.rule = Rule::override_temperror,
          .disposition = Disposition::tempfail,
          .by_override = undecided->first,
          .undecided = undecided->signature};
}

/// Of a message that fails DMARC and for which its policy asks for something.
std::optional<OverrideReason> override_reason(const Candidate& chosen, const PolicyConfig& policy) {
  if (chosen.rule == Rule::arc_trusted) return OverrideReason::trusted_forwarder;
  if (!chosen.by_override) return std::nullopt;
  if (chosen.rule != Rule::dmarc_reject && chosen.rule != Rule::dmarc_quarantine)
    return std::nullopt;
  return policy.overrides[*chosen.by_override].list.empty() ? OverrideReason::local_policy
                                                            : OverrideReason::mailing_list;
}

}  // namespace

Decision decide(const Findings& findings, const PolicyConfig& policy) {
  const Candidate chosen = unless_undecided(
      findings, policy, strictest(findings, policy, policy.overrides.in_force(findings)));
  Decision decision;
  decision.disposition = chosen.disposition;
  decision.rule = chosen.rule;
  decision.by_override = chosen.by_override;
  decision.trusted_sealer = chosen.trusted_sealer;
  decision.override_reason = override_reason(chosen, policy);
  if (chosen.undecided != nullptr) {
    decision.reason = reason_of_undecided(*chosen.undecided);
    decision.reply = reply_for_undecided(*chosen.undecided);
    return decision;
  }
  decision.reason = reason_of(chosen.rule, findings);
  decision.reply = reply_for(chosen.disposition, chosen.rule, findings);
  return decision;
}

}  // namespace authmilter
