#include "policy/rule.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/words.h"

namespace authmilter {
namespace {

constexpr Word<Rule> kRules[] = {
    {Rule::nothing, "default"},
    {Rule::dmarc_pass, "dmarc.pass"},
    {Rule::dmarc_reject, "dmarc.reject"},
    {Rule::dmarc_quarantine, "dmarc.quarantine"},
    {Rule::dmarc_none, "dmarc.none"},
    {Rule::dmarc_temperror, "dmarc.temperror"},
    {Rule::dmarc_permerror, "dmarc.permerror"},
    {Rule::arc_trusted, "arc.trusted"},
    {Rule::arc_temperror, "arc.temperror"},
    {Rule::override_temperror, "override.temperror"},
    {Rule::spf_fail, "spf.fail"},
    {Rule::spf_softfail, "spf.softfail"},
    {Rule::spf_temperror, "spf.temperror"},
    {Rule::spf_permerror, "spf.permerror"},
    {Rule::limit_header, "limit.header"},
    {Rule::limit_dns, "limit.dns"},
    {Rule::arc_seal, "arc.seal"},
    {Rule::signing, "signing"},
    {Rule::internal, "internal"},
};
static_assert(is_complete(kRules, Rule::internal));

}  // namespace

std::string_view to_string(Rule rule) { return word_of(kRules, rule); }

std::string_view to_string(OverrideReason reason) {
  switch (reason) {
    case OverrideReason::local_policy:
      return "local_policy";
    case OverrideReason::mailing_list:
      return "mailing_list";
    case OverrideReason::trusted_forwarder:
      return "trusted_forwarder";
  }
  return "";
}

std::string rule_text(const Decision& decision) {
  std::string text(to_string(decision.rule));
  return decision.by_override ? fmt::format("{} (override {})", text, *decision.by_override + 1)
                              : text;
}

const SpfOutcome* deciding_spf(const Findings& findings) {
  const auto mail_from = std::find_if(
      findings.spf.begin(), findings.spf.end(),
      [](const SpfOutcome& outcome) { return outcome.identity == SpfIdentity::mailfrom; });
  if (mail_from != findings.spf.end()) return &*mail_from;
  return findings.spf.empty() ? nullptr : &findings.spf.front();
}

}  // namespace authmilter
