#include "policy/reply.h"

#include <string_view>

#include <fmt/format.h>

#include "policy/rule.h"

namespace authmilter {
namespace {

/// Names that would leave no room for the sentence are left out of it.
constexpr std::size_t kNameOctets = 100;
// RFC 5321 section 4.5.3.1.5: a reply line has 512 octets, with the codes and the line end.
constexpr std::size_t kTextOctets = 450;
constexpr std::string_view kAgain = "; try again later";

std::string name_or(const std::optional<DomainName>& domain, std::string_view otherwise) {
  const bool fits = domain && domain->text().size() <= kNameOctets;
  return fits ? domain->text() : std::string(otherwise);
}

std::string author(const Findings& findings) {
  return name_or(findings.dmarc.author_domain, "the author's domain");
}

std::string sender(const Findings& findings) {
  const SpfOutcome* spf = deciding_spf(findings);
  return name_or(spf != nullptr ? spf->domain : std::nullopt, "the sender's domain");
}

std::string client(const Findings& findings) {
  if (findings.forwarder && findings.forwarder->client) return findings.forwarder->client->text();
  return findings.client ? findings.client->text() : "this client";
}

/// With the reason's word behind a colon. Not its detail: a sender can have written that.
template <class Word>
std::string with_reason(const std::string& sentence, const Reason<Word>& reason) {
  return reason.empty() ? sentence : fmt::format("{}: {}", sentence, reason.word());
}

/// The name that was asked for, where it may be printed: SPF's macros can put any octet into one.
std::optional<DomainName> printable_name(const FailedLookup& lookup) {
  auto name = DomainName::parse(lookup.question.name.text());
  if (name && name->text() != lookup.question.name.text()) name.reset();
  return name;
}

/// The lookup behind a temperror: "_dmarc.example.org: dns-timeout". Without one, or without room
/// for its name, the reason's word.
template <class Word>
std::string with_cause(const std::string& sentence, const Reason<Word>& reason,
                       const std::optional<FailedLookup>& lookup) {
  const auto name = lookup ? printable_name(*lookup) : std::nullopt;
  if (!name) return with_reason(sentence, reason);
  const std::string text =
      fmt::format("{}: {}: {}", sentence, name->text(), temperror_reason(lookup->fault));
  return text.size() <= kTextOctets ? text : with_reason(sentence, reason);
}

/// The same for the log, where the word comes first.
template <class Word>
std::string with_reason_and_name(const std::string& sentence, const Reason<Word>& reason,
                                 const std::optional<FailedLookup>& lookup) {
  std::string text = with_reason(sentence, reason);
  const auto name = lookup ? printable_name(*lookup) : std::nullopt;
  return name ? fmt::format("{}, {}: {}", text, name->text(), to_string(lookup->fault)) : text;
}

std::string dmarc_temperror_sentence(const Findings& findings) {
  const auto& dmarc = findings.dmarc;
  const std::string sentence =
      dmarc.policy_known ? fmt::format("DMARC of {} cannot be evaluated", author(findings))
                         : fmt::format("DMARC policy of {} cannot be looked up", author(findings));
  return with_cause(sentence, dmarc.reason, dmarc.undecided_by);
}

std::string spf_temperror_sentence(const Findings& findings) {
  const SpfOutcome* spf = deciding_spf(findings);
  const std::string sentence = fmt::format("SPF of {} cannot be evaluated", sender(findings));
  return spf != nullptr ? with_cause(sentence, spf->reason, spf->undecided_by) : sentence;
}

/// The newest sealer of a chain.
std::string sealer(const Findings& findings) {
  const auto& hops = findings.arc.hops;
  return hops.empty() ? "the sealer" : name_or(hops.back().sealer, "the sealer");
}

std::string arc_temperror_sentence(const Findings& findings) {
  return with_cause(fmt::format("ARC seal of {} cannot be validated", sealer(findings)),
                    findings.arc.reason, findings.arc.undecided_by);
}

/// What is wrong with the header, for a sender who can mend it.
std::string no_author_sentence(const std::optional<AuthorDomainError>& error) {
  switch (error.value_or(AuthorDomainError::no_author_domain)) {
    case AuthorDomainError::no_author_domain:
    case AuthorDomainError::multiple_from_fields:
    case AuthorDomainError::multiple_author_domains:
    case AuthorDomainError::invalid_author_domain:
      break;
    case AuthorDomainError::malformed_field_name:
      return "The header has a field whose name is malformed";
    case AuthorDomainError::bare_cr_in_header:
      return "The header has a carriage return that ends no line";
    case AuthorDomainError::broken_fold_in_header:
      return "The header has a line end inside a field that no blank follows";
  }
  return "The From field names no single author domain";
}

std::string sentence(Rule rule, const Findings& findings) {
  switch (rule) {
    case Rule::dmarc_reject:
    case Rule::dmarc_quarantine:
      return fmt::format("Message refused by the DMARC policy of {}: no aligned SPF or DKIM pass",
                         author(findings));
    case Rule::dmarc_temperror:
      return dmarc_temperror_sentence(findings);
    case Rule::dmarc_permerror:
      if (findings.dmarc.author_domain) {
        return with_reason(fmt::format("DMARC of {} cannot be evaluated", author(findings)),
                           findings.dmarc.reason);
      }
      return with_reason(no_author_sentence(findings.author_error), findings.dmarc.reason);
    case Rule::arc_temperror:
      return arc_temperror_sentence(findings);
    case Rule::spf_fail:
    case Rule::spf_softfail:
      return fmt::format("SPF {}: {} does not authorize {} to send its mail",
                         rule == Rule::spf_fail ? "fail" : "softfail", sender(findings),
                         client(findings));
    case Rule::spf_temperror:
      return spf_temperror_sentence(findings);
    case Rule::spf_permerror:
      return fmt::format("SPF record of {} is in error", sender(findings));
    case Rule::dmarc_pass:
    case Rule::dmarc_none:
    case Rule::arc_trusted:
    case Rule::override_temperror:
    case Rule::nothing:
    case Rule::limit_header:
    case Rule::limit_dns:
    case Rule::arc_seal:
    case Rule::signing:
    case Rule::internal:
      break;
  }
  return "Message refused by local policy";
}

/// RFC 7372 section 3: X.7.23 for an SPF fail, X.7.24 for an SPF error, X.7.26 for more than one
/// failed check, which DMARC's failure is. RFC 3463 section 3.8: X.7.1 for a policy that refuses
/// delivery, X.7.0 where nothing fits.
std::string_view permanent_code(Rule rule) {
  switch (rule) {
    case Rule::dmarc_reject:
    case Rule::dmarc_quarantine:
      return "5.7.26";
    case Rule::spf_fail:
    case Rule::spf_softfail:
      return "5.7.23";
    case Rule::spf_temperror:
    case Rule::spf_permerror:
      return "5.7.24";
    case Rule::dmarc_temperror:
    case Rule::arc_temperror:
      return "5.7.0";
    case Rule::dmarc_permerror:
    case Rule::dmarc_pass:
    case Rule::dmarc_none:
    case Rule::arc_trusted:
    case Rule::override_temperror:
    case Rule::nothing:
    case Rule::limit_header:
    case Rule::limit_dns:
    case Rule::arc_seal:
    case Rule::signing:
    case Rule::internal:
      break;
  }
  return "5.7.1";
}

/// RFC 7372 registers only X.7.24 for a 451 reply.
std::string_view transient_code(Rule rule) {
  if (rule == Rule::spf_temperror || rule == Rule::spf_permerror) return "4.7.24";
  const bool undecided = rule == Rule::dmarc_temperror || rule == Rule::arc_temperror ||
                         rule == Rule::override_temperror;
  return undecided ? "4.7.0" : "4.7.1";
}

}  // namespace

std::string reason_of(Rule rule, const Findings& findings) {
  const auto& dmarc = findings.dmarc;
  const std::string of_author =
      dmarc.author_domain ? " for " + dmarc.author_domain->text() : std::string();
  const SpfOutcome* spf = deciding_spf(findings);
  const std::string of_sender =
      spf != nullptr && spf->domain ? " for " + spf->domain->text() : std::string();
  const auto spf_reason = spf != nullptr ? spf->reason : Reason<SpfReason>();
  switch (rule) {
    case Rule::dmarc_pass:
      return with_reason("dmarc pass" + of_author, dmarc.reason);
    case Rule::dmarc_reject:
    case Rule::dmarc_quarantine:
    case Rule::dmarc_none:
      return with_reason_and_name(fmt::format("dmarc {}{}, policy {}", to_string(dmarc.result),
                                              of_author, to_string(dmarc.policy)),
                                  dmarc.reason, dmarc.undecided_by);
    case Rule::dmarc_temperror:
      return with_reason_and_name("dmarc temperror" + of_author, dmarc.reason, dmarc.undecided_by);
    case Rule::dmarc_permerror:
      return with_reason("dmarc permerror" + of_author, dmarc.reason);
    case Rule::arc_trusted:
      return fmt::format("dmarc fail{}, policy {}, but sealed by {} as dmarc pass", of_author,
                         to_string(dmarc.policy), sealer(findings));
    case Rule::arc_temperror:
      return with_reason_and_name("arc undecided, sealed by " + sealer(findings),
                                  findings.arc.reason, findings.arc.undecided_by);
    case Rule::spf_fail:
      return "spf fail" + of_sender;
    case Rule::spf_softfail:
      return "spf softfail" + of_sender;
    case Rule::spf_temperror:
      return with_reason_and_name("spf temperror" + of_sender, spf_reason,
                                  spf != nullptr ? spf->undecided_by : std::nullopt);
    case Rule::spf_permerror:
      return with_reason("spf permerror" + of_sender, spf_reason);
    case Rule::override_temperror:
    case Rule::nothing:
    case Rule::limit_header:
    case Rule::limit_dns:
    case Rule::arc_seal:
    case Rule::signing:
    case Rule::internal:
      break;
  }
  return "nothing to object to";
}

std::optional<SmtpReply> reply_for(Disposition disposition, Rule rule, const Findings& findings) {
  // Only fixed words, checked names and addresses: a '%' would be a format to some MTAs.
  if (disposition == Disposition::reject)
    return SmtpReply{550, std::string(permanent_code(rule)), sentence(rule, findings)};
  if (disposition == Disposition::tempfail) {
    return SmtpReply{451, std::string(transient_code(rule)),
                     sentence(rule, findings).append(kAgain)};
  }
  return std::nullopt;
}

std::string reason_of_undecided(const DkimOutcome& signature) {
  return with_reason_and_name(
      fmt::format("dkim undecided, signed by {}", name_or(signature.domain, "the signing domain")),
      signature.reason, signature.undecided_by);
}

SmtpReply reply_for_undecided(const DkimOutcome& signature) {
  const std::string sentence = fmt::format("Signature of {} cannot be validated",
                                           name_or(signature.domain, "the signing domain"));
  return {451, std::string(transient_code(Rule::override_temperror)),
          with_cause(sentence, signature.reason, signature.undecided_by).append(kAgain)};
}

}  // namespace authmilter
