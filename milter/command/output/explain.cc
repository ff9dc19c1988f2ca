#include "output/explain.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <authmilter/other_methods.h>

namespace authmilter::tools {
namespace {

template <class Name>
std::string text_or(const std::optional<Name>& name, const char* otherwise) {
  return name ? name->text() : otherwise;
}

void line_if(Report& report, std::string_view label, std::string_view text) {
  if (!text.empty()) report.line(label, printable(text));
}

/// "pass" or "fail (some-reason)".
std::string with_reason(const Report& report, std::string_view result, std::string_view reason) {
  std::string text = report.result(result);
  if (!reason.empty()) text += fmt::format("  ({})", printable(reason));
  return text;
}

const char* yes_no(bool value) { return value ? "yes" : "no"; }

std::string key_text(const DkimOutcome& signature) {
  if (signature.key_bits == 0) return "none found";
  return fmt::format("{} bits, {}{}", signature.key_bits,
                     signature.dnssec ? "validated with DNSSEC" : "not validated with DNSSEC",
                     signature.testing ? ", in testing (t=y)" : "");
}

std::string policy_text(const DmarcOutcome& outcome) {
  if (!outcome.policy_tag) return "none, there is no record";
  const std::string_view tag = to_string(*outcome.policy_tag);
  if (!outcome.record->testing) {
    return fmt::format("{} (from {}=)", to_string(outcome.policy), tag);
  }
  return fmt::format("{} (from {}={}, one step lower with t=y)", to_string(outcome.policy), tag,
                     to_string(outcome.published_policy));
}

/// The lookup that left a result open.
void undecided_line(Report& report, const std::optional<FailedLookup>& lookup) {
  if (!lookup) return;
  report.line("undecided", fmt::format("{} {} -> {}", to_string(lookup->question.type),
                                       printable(lookup->question.name.text()),
                                       temperror_reason(lookup->fault)));
}

/// The milter's folds are shown as line ends.
void field_lines(Report& report, std::string_view label, std::string_view name,
                 std::string_view value) {
  std::string first = fmt::format("{}: ", printable(name));
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = value.find('\n', at);
    report.line(label, first + printable(value.substr(at, end - at)));
    if (end == std::string_view::npos) return;
    at = end + 1;
    while (at < value.size() && (value[at] == '\t' || value[at] == ' ')) ++at;
    label = "";
    first = "    ";
  }
}

std::string answer_text(const DnsAnswer& answer) {
  if (answer.status == DnsStatus::temperror) {
    return fmt::format("temperror ({})", to_string(answer.fault));
  }
  return fmt::format("{}{}", to_string(answer.status), answer.secure ? ", DNSSEC" : "");
}

}  // namespace

void explain_envelope(Report& report, const Envelope& envelope) {
  report.heading("Envelope");
  report.line("client", envelope.client ? envelope.client->text() : "not given");
  report.line("HELO", envelope.helo.text.empty() ? "not given" : printable(envelope.helo.text));
  report.line("MAIL FROM",
              envelope.mail_from.text.empty() ? "<>" : printable(envelope.mail_from.text));
  for (const ReversePath& recipient : envelope.recipients) {
    report.line("RCPT TO", printable(recipient.text));
  }
  line_if(report, "login", envelope.auth_user);
}

void explain_spf(Report& report, const SpfOutcome& outcome, const SpfLimits& limits) {
  report.heading(outcome.identity == SpfIdentity::mailfrom ? "SPF of MAIL FROM" : "SPF of HELO");
  report.line("result", with_reason(report, to_string(outcome.result), outcome.reason.text()));
  undecided_line(report, outcome.undecided_by);
  report.line("domain", text_or(outcome.domain, "none to check"));
  if (outcome.null_reverse_path) {
    report.line("", "the reverse-path is null, so the HELO name stands for it");
  }
  std::string_view label = "tried";
  for (const SpfStep& step : outcome.steps) {
    report.line(label, fmt::format("{}: {} -> {}", printable(step.domain), printable(step.term),
                                   printable(step.outcome)));
    label = "";
  }
  line_if(report, "decided by", outcome.mechanism);
  if (!outcome.steps.empty()) {
    report.line("lookups",
                fmt::format("{} of {}, {} of {} without an answer", outcome.lookups,
                            limits.lookup_terms, outcome.void_lookups, limits.void_lookups));
  }
  line_if(report, "explanation", outcome.explanation);
}

void explain_dkim(Report& report, const std::vector<DkimOutcome>& signatures) {
  if (signatures.empty()) {
    report.heading("DKIM");
    report.line("result", with_reason(report, "none", "no signature"));
    return;
  }
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const DkimOutcome& signature = signatures[i];
    report.heading(fmt::format("DKIM signature {} of {}", i + 1, signatures.size()));
    report.line("result",
                with_reason(report, to_string(signature.result), signature.reason.text()));
    undecided_line(report, signature.undecided_by);
    report.line("domain", text_or(signature.domain, "unusable"));
    report.line("selector", text_or(signature.selector, "unusable"));
    line_if(report, "identity", signature.identity);
    line_if(report, "algorithm", signature.algorithm);
    report.line("key", key_text(signature));
    if (!signature.added_fields.empty())
      report.line("added fields",
                  fmt::format("{}: not covered by it", fmt::join(signature.added_fields, ", ")));
    for (const std::string& text : signature.notes) report.line("note", printable(text));
  }
}

void explain_dmarc(Report& report, const DmarcOutcome& outcome) {
  report.heading("DMARC");
  report.line("result", with_reason(report, to_string(outcome.result), outcome.reason.text()));
  undecided_line(report, outcome.undecided_by);
  report.line("author domain", text_or(outcome.author_domain, "none"));
  std::string_view label = "tree walk";
  for (const WalkStep& step : outcome.walk) {
    report.line(label, fmt::format("_dmarc.{} -> {}", step.name.text(), printable(step.outcome)));
    label = "";
  }
  report.line("organization", text_or(outcome.organizational_domain, "unknown"));
  report.line("record at", text_or(outcome.policy_domain, "none found"));
  if (outcome.record) line_if(report, "record", outcome.record->text);
  report.line("policy", policy_text(outcome));
  report.line("SPF aligned", yes_no(outcome.spf_aligned));
  report.line("DKIM aligned", yes_no(outcome.dkim_aligned));
  for (const std::string& text : outcome.notes) report.line("note", printable(text));
}

void explain_other_methods(Report& report, const Findings& findings) {
  for (const MethodFinding& method : other_methods(findings)) {
    std::string title = method.entry.method;
    for (char& c : title) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    report.heading(title);
    report.line("result", with_reason(report, method.entry.result, method.reason));
    undecided_line(report, method.undecided_by);
    for (const ResultProperty& property : method.entry.properties)
      report.line(property.property, printable(property.value));
    for (const auto& [label, text] : method.details) report.line(label, printable(text));
  }
}

void explain_forwarder(Report& report, const Findings& findings) {
  if (!findings.forwarder) return;
  report.heading("Forwarder");
  const auto& [client, helo, reason] = *findings.forwarder;
  if (!client) {
    report.line("SPF", fmt::format("is of the client: {}", to_string(reason)));
    return;
  }
  report.line("SPF",
              fmt::format("is of {}, from whom the forwarder had the message", client->text()));
  line_if(report, "HELO", printable(helo.text));
}

void explain_seal(Report& report, const SealOutcome& seal) {
  if (seal.state == SealState::off) return;
  report.heading("Seal");
  report.line("result", report.result(to_string(seal.state)));
  line_if(report, "because", seal.fault);
  if (!seal.key) return;
  report.line("set", fmt::format("{}, which says of the chain before: {}", seal.instance,
                                 to_string(seal.chain)));
  report.line("key",
              fmt::format("{}._domainkey.{}", seal.key->selector.text(), seal.key->domain.text()));
}

namespace {

/// "added-fields (reply-to, subject)".
std::string distrust_text(SealerTrust trust, const ArcOutcome& arc) {
  const std::string_view word = to_string(trust);
  if (trust != SealerTrust::added_fields) return std::string(word);
  return fmt::format("{} ({})", word, fmt::join(arc.added_fields, ", "));
}

/// The list of an override that the message names, and does not show to be its.
const MailingList* distrusted_list(const Findings& findings, const PolicyOverrides& overrides) {
  for (const PolicyOverride& rule : overrides) {
    for (const MailingList& list : rule.list) {
      if (findings.list_id == list.id && !list.matches(findings)) return &list;
    }
  }
  return nullptr;
}

/// What was trusted so that DMARC's policy was not followed, or why the chain was not.
void explain_trust(Report& report, const MessageVerdict& verdict, const PolicyConfig& policy) {
  const Decision& decision = verdict.decision;
  if (decision.by_override && *decision.by_override < policy.overrides.size()) {
    for (const MailingList& list : policy.overrides[*decision.by_override].list) {
      if (list.matches(verdict.findings))
        report.line("trusted",
                    fmt::format("list {}, signed by {}", list.id.text(), list.signed_by.text()));
    }
  }
  if (decision.trusted_sealer)
    report.line("trusted", fmt::format("the seal of {}", decision.trusted_sealer->text()));
  const bool asked = verdict.findings.dmarc.result == DmarcResult::fail &&
                     verdict.findings.arc.result != ArcResult::none;
  const SealerTrust trust = sealed_word(verdict.findings, policy).trust;
  if (asked && trust != SealerTrust::holds && !decision.trusted_sealer &&
      !policy.trusted_sealers.empty())
    report.line("not trusted",
                fmt::format("the chain: {}", distrust_text(trust, verdict.findings.arc)));
  // While the DNS does not say whether the list's signature holds, the reason says that.
  const bool failed = verdict.findings.dmarc.result == DmarcResult::fail &&
                      decision.rule != Rule::override_temperror;
  const MailingList* list = failed && !decision.override_reason
                                ? distrusted_list(verdict.findings, policy.overrides)
                                : nullptr;
  if (list != nullptr)
    report.line("not trusted", fmt::format("list {}: no signature of {} that passes and covers it",
                                           list->id.text(), list->signed_by.text()));
  if (decision.override_reason) report.line("in reports", to_string(*decision.override_reason));
}

}  // namespace

void explain_decision(Report& report, const MessageVerdict& verdict, const PolicyConfig& policy) {
  report.heading("Decision");
  const Decision& decision = verdict.decision;
  report.line("disposition", report.result(to_string(verdict.disposition)));
  if (verdict.disposition != decision.disposition) {
    report.line("", fmt::format("the rule alone would say {}", to_string(decision.disposition)));
  }
  report.line("decided by", rule_text(decision));
  line_if(report, "because", decision.reason);
  explain_trust(report, verdict, policy);
  const bool answered =
      verdict.disposition == Disposition::reject || verdict.disposition == Disposition::tempfail;
  if (answered && decision.reply) {
    report.line("reply", fmt::format("{} {} {}", decision.reply->code, decision.reply->enhanced,
                                     printable(decision.reply->text)));
  }
}

void explain_edits(Report& report, const std::vector<HeaderEdit>& edits) {
  report.heading("Header changes");
  if (edits.empty()) report.line("none", "");
  for (const HeaderEdit& edit : edits) {
    if (edit.action == HeaderEdit::Action::remove) {
      report.line("remove",
                  fmt::format("{} (number {} of this name)", printable(edit.name), edit.index));
    } else {
      field_lines(report, to_string(edit.action), edit.name, edit.value);
    }
  }
}

void explain_lookups(Report& report, const std::vector<RecordingResolver::Entry>& lookups) {
  if (lookups.empty()) return;
  report.heading("DNS");
  for (const auto& [question, answer, waited] : lookups) {
    report.line(to_string(question.type),
                fmt::format("{} -> {}", printable(question.name.text()), answer_text(*answer)));
  }
}

}  // namespace authmilter::tools
