#include <authmilter/authentication_results.h>
#include <authmilter/verify.h>

#include <algorithm>

#include "authres.h"
#include "hashed_resolver.h"
#include "input.h"
#include "keys.h"

// The whole verdict on a message, in a DNS that the fuzzer writes.
//
//     client | HELO name | reverse-path | recipient | letters
//
// Letters: m monitor, q no quarantine, t tag the Subject, s another policy, o overrides; a, g, h,
// r, e, d for every failure the action accept, tag, hold, reject, tempfail or discard.
//
//     zone, see hashed_resolver.h
//     %%
//     message

using namespace authmilter;
using fuzz::require;

namespace {

const DomainName kOther = DomainName::parse("other.example").value();

PolicyActions all(Disposition action) {
  return {action, action, action, action, action, action, action, action};
}

std::vector<PolicyOverride> overrides() {
  PolicyOverride exempt;
  exempt.recipient = {*AddressPattern::parse("exempt@example.net"),
                      *AddressPattern::parse("*.exempt.example")};
  exempt.actions = all(Disposition::accept);
  PolicyOverride strict;
  strict.client = {*Network::parse("198.51.100.0/24")};
  strict.mail_from = {*AddressPattern::parse("<>"),
                      *AddressPattern::parse("@football.example.com")};
  strict.actions.dmarc_quarantine = Disposition::reject;
  PolicyOverride list;
  list.author_domain = {*DomainPattern::parse("football.example.com"),
                        *DomainPattern::parse("*.football.example.com")};
  list.dkim_domain = {*DomainPattern::parse("*.example.com")};
  list.actions.dmarc_reject = Disposition::quarantine;
  return {exempt, strict, list};
}

Config make_config(std::string_view letters) {
  Config config;
  config.authserv_id = DomainName::parse("mx.example.org");
  constexpr std::pair<char, Disposition> kActions[] = {
      {'a', Disposition::accept}, {'g', Disposition::tag},      {'h', Disposition::quarantine},
      {'r', Disposition::reject}, {'e', Disposition::tempfail}, {'d', Disposition::discard}};
  for (const auto& [letter, action] : kActions) {
    if (letters.find(letter) != std::string_view::npos) config.policy.actions = all(action);
  }
  if (letters.find('o') != std::string_view::npos) config.policy.overrides = overrides();
  if (letters.find('m') != std::string_view::npos) config.verify.mode = VerifyMode::monitor;
  if (letters.find('t') != std::string_view::npos) config.policy.tag_subject = "[forged?] ";
  if (letters.find('s') != std::string_view::npos) {
    config.policy.actions.dmarc_reject = Disposition::tag;
    config.policy.actions.spf_temperror = Disposition::tempfail;
  }
  config.verify.limits.total_octets = 16 * 1024;
  config.verify.limits.fields = 100;
  return config;
}

struct Subject {
  Config config;
  Envelope envelope;
  std::string zone;
  Message message;
};

Subject read(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto words = split(input.line(), '|');
  const auto word = [&](std::size_t i) {
    return i < words.size() ? std::string(words[i].substr(0, 300)) : std::string();
  };
  Subject subject{make_config(word(4)), {}, "", {}};
  subject.envelope.client = IpAddress::parse(word(0));
  subject.envelope.helo = parse_helo(word(1));
  subject.envelope.mail_from = parse_reverse_path(word(2));
  subject.envelope.recipients = {parse_reverse_path(word(3))};
  subject.envelope.quarantine_offered = word(4).find('q') == std::string::npos;
  subject.zone = input.part();
  subject.message = parse_message(input.rest());
  return subject;
}

MessageVerdict verify(const Subject& subject, fuzz::HashedResolver& resolver, fuzz::Dice& dice) {
  if (subject.envelope.client) resolver.add_address(*subject.envelope.client);
  MessageVerifier verifier(subject.config, fuzz::signing_setup().engine, resolver, subject.envelope,
                           1'700'000'000);
  for (const HeaderField& field : subject.message.fields) verifier.header(field);
  verifier.end_of_headers();
  fuzz::in_pieces(subject.message.body, dice,
                  [&](std::string_view piece) { verifier.body(piece); });
  return verifier.finish();
}

void check_edits(const MessageVerdict& verdict, const Subject& subject) {
  using Action = HeaderEdit::Action;
  require(!verdict.edits.empty(), "there is a results field");
  const HeaderEdit& last = verdict.edits.back();
  require(last.action == Action::insert && last.index == 0, "it goes on top");
  auto last_removed = std::size_t(-1);
  std::size_t results_fields = 0;
  for (const HeaderEdit& edit : verdict.edits) {
    if (edit.action == Action::insert && edit.name == "Authentication-Results") ++results_fields;
    require(edit.action != Action::remove || edit.value.empty(), "a removal has no value");
    if (edit.action == Action::insert) fuzz::require_clean(edit.value);
    if (edit.action != Action::remove || !equals_ignoring_case(edit.name, last.name)) continue;
    require(edit.index > 0 && edit.index < last_removed, "the highest index first (A119)");
    last_removed = edit.index;
  }
  require(results_fields == 1 && last.name == "Authentication-Results", "one field of ours");

  const auto parsed = parse_authentication_results(last.value);
  require(parsed && parsed->authserv_id == subject.config.authserv_id->text(), "it reads back");
  const auto& findings = verdict.findings;
  const std::size_t spf_entries = findings.spf.empty() ? 0 : 1;
  const auto dkim_entries = std::clamp<std::size_t>(findings.dkim.size(), 1, 100);
  const std::size_t arc_entries = findings.arc.result == ArcResult::none ? 0 : 1;
  require(parsed->results.size() == spf_entries + dkim_entries + 1 + arc_entries,
          "every method has its entry");
  const MethodResult& dmarc = parsed->results[spf_entries + dkim_entries];
  require(dmarc.method == "dmarc" && dmarc.result == to_string(findings.dmarc.result),
          "DMARC's stands behind those that it is made of");
  require(arc_entries == 0 || parsed->results.back().method == "arc", "ARC's is the last");
  require(!claims_to_be_ours(verdict.authentication_results, kOther) &&
              claims_to_be_ours(verdict.authentication_results, *subject.config.authserv_id),
          "it bears our name");
}

/// Only a receiving host may have added it.
bool is_forged(const HeaderField& field, const Config& config) {
  if (has_name(field, "Authentication-Results")) {
    return claims_to_be_ours(field.value, *config.authserv_id);
  }
  const bool ours = has_name(field, "X-Authmilter-Verdict") || has_name(field, "BIMI-Location") ||
                    has_name(field, "BIMI-Indicator");
  // Monitoring touches the results alone.
  return ours && config.verify.mode == VerifyMode::enforce;
}

/// No forged field stays, whatever the order of the edits.
void check_removals(const MessageVerdict& verdict, const Subject& subject) {
  if (verdict.decision.rule == Rule::limit_header) return;
  const auto& fields = subject.message.fields;
  const auto forged = std::count_if(fields.begin(), fields.end(), [&](const HeaderField& field) {
    return is_forged(field, subject.config);
  });
  const auto removed = std::count_if(
      verdict.edits.begin(), verdict.edits.end(),
      [](const HeaderEdit& edit) { return edit.action == HeaderEdit::Action::remove; });
  require(forged == removed, "every forged field goes");
}

void check_dmarc(const MessageVerdict& verdict) {
  const Findings& findings = verdict.findings;
  const bool passed = findings.dmarc.result == DmarcResult::pass;
  require(passed == (findings.dmarc.spf_aligned || findings.dmarc.dkim_aligned), "aligned");
  const auto& spf = findings.spf;
  const auto& dkim = findings.dkim;
  const bool by_spf = std::any_of(spf.begin(), spf.end(), [](const SpfOutcome& one) {
    return one.identity == SpfIdentity::mailfrom && one.result == SpfResult::pass;
  });
  const bool by_dkim = std::any_of(dkim.begin(), dkim.end(), [](const DkimOutcome& one) {
    return one.result == DkimResult::pass;
  });
  require(!findings.dmarc.spf_aligned || by_spf, "SPF passed for MAIL FROM (A118)");
  require(!findings.dmarc.dkim_aligned || by_dkim, "DKIM passed");
}

/// The action of `[policy]` for an SPF result.
Disposition spf_action(const Findings& findings, const PolicyActions& actions) {
  if (findings.spf.empty()) return Disposition::accept;
  switch (findings.spf.front().result) {
    case SpfResult::fail:
      return *actions.spf_fail;
    case SpfResult::softfail:
      return *actions.spf_softfail;
    case SpfResult::temperror:
      return *actions.spf_temperror;
    case SpfResult::permerror:
      return *actions.spf_permerror;
    default:
      return Disposition::accept;
  }
}

/// What authmilter.toml(5) says of `[policy]`, without overrides.
Disposition expected(const Findings& findings, const PolicyActions& actions) {
  constexpr Disposition kMildestFirst[] = {Disposition::accept,     Disposition::tag,
                                           Disposition::quarantine, Disposition::tempfail,
                                           Disposition::reject,     Disposition::discard};
  const DmarcOutcome& dmarc = findings.dmarc;
  Disposition by_dmarc = Disposition::accept;
  if (dmarc.result == DmarcResult::pass) return by_dmarc;
  if (dmarc.result == DmarcResult::fail) {
    if (dmarc.policy == AssessmentPolicy::reject) return *actions.dmarc_reject;
    if (dmarc.policy == AssessmentPolicy::quarantine) return *actions.dmarc_quarantine;
  }
  const bool asks_for_nothing = dmarc.policy_known && dmarc.policy == AssessmentPolicy::none;
  if (dmarc.result == DmarcResult::temperror && !asks_for_nothing)
    by_dmarc = *actions.dmarc_temperror;
  if (dmarc.result == DmarcResult::permerror) by_dmarc = *actions.dmarc_permerror;
  const auto place = [&](Disposition one) {
    return std::find(std::begin(kMildestFirst), std::end(kMildestFirst), one);
  };
  return *std::max(place(by_dmarc), place(spf_action(findings, actions)));
}

void check_decision(const MessageVerdict& verdict, const Subject& subject) {
  const Decision& decision = verdict.decision;
  require(fuzz::printable_ascii(decision.reason), "a rule and a reason");
  const bool refuses =
      decision.disposition == Disposition::reject || decision.disposition == Disposition::tempfail;
  require(decision.reply.has_value() == refuses, "a refusal has a reply");
  if (decision.reply) {
    const SmtpReply& reply = *decision.reply;
    require(fuzz::printable_ascii(reply.text) && reply.text.size() <= 480 &&
                reply.text.find('%') == std::string::npos,
            "it can be sent (A183)");
    require(reply.code / 100 == (decision.disposition == Disposition::reject ? 5U : 4U),
            "its code");
  }
  const bool monitor = subject.config.verify.mode == VerifyMode::monitor;
  require(!monitor || verdict.disposition == Disposition::accept, "monitoring changes nothing");
  const PolicyConfig& policy = subject.config.policy;
  if (policy.overrides.empty() && decision.rule != Rule::limit_header) {
    require(decision.disposition == expected(verdict.findings, policy.actions), "as configured");
  }
  if (verdict.findings.dmarc.result == DmarcResult::pass) {
    require(decision.disposition == Disposition::accept, "the author is proven");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Subject subject = read(data, size);
  fuzz::Dice dice({reinterpret_cast<const char*>(data), size});
  fuzz::HashedResolver resolver(subject.zone);
  const MessageVerdict verdict = verify(subject, resolver, dice);
  check_edits(verdict, subject);
  check_removals(verdict, subject);
  check_dmarc(verdict);
  check_decision(verdict, subject);
  require(resolver.questions().size() <= subject.config.dns.message_queries,
          "sixty queries (A161)");

  fuzz::HashedResolver again(subject.zone);
  const MessageVerdict second = verify(subject, again, dice);
  require(second.edits == verdict.edits && second.disposition == verdict.disposition,
          "cut anywhere, the same");

  fuzz::HashedResolver dead("F");
  const MessageVerdict blind = verify(subject, dead, dice);
  require(blind.findings.dmarc.result != DmarcResult::pass &&
              blind.findings.dmarc.result != DmarcResult::none,
          "no verdict without a DNS (A185)");
  for (const auto& spf : blind.findings.spf) require(spf.result != SpfResult::pass, "no SPF pass");
  for (const auto& dkim : blind.findings.dkim) require(dkim.result != DkimResult::pass, "nor DKIM");
  require(blind.findings.arc.result != ArcResult::pass, "nor ARC");
  return 0;
}
