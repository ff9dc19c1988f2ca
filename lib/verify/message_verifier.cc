#include <authmilter/verify.h>

#include <authmilter/budget_resolver.h>

#include <authmilter/arc.h>
#include <authmilter/authentication_results.h>
#include <authmilter/dmarc.h>
#include <authmilter/spf.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "edits/header_edits.h"
#include "edits/header_guard.h"
#include "message/list_id.h"
#include "verify/own_decisions.h"
#include "verify/seal_step.h"

namespace authmilter {
namespace {

// RFC 7208 section 4.6.4 wants 20 seconds for an evaluation. Those are the MAIL FROM identity's,
// which is also HELO's where the reverse-path is null (section 2.4). The HELO identity of other
// mail decides nothing, its name is the sender's free choice, and all else is done before.
constexpr std::chrono::seconds kHeloTime{2};

/// What DMARC needs to know of SPF and DKIM. Of SPF only the MAIL FROM identity counts, or HELO
/// where the reverse-path is null (RFC 9989 section 4.4, RFC 7208 section 2.4); a HELO result
/// beside it does not.
std::vector<AuthenticatedIdentifier> identifiers_of(const Findings& findings) {
  using Identifier = AuthenticatedIdentifier;
  std::vector<Identifier> identifiers;
  for (const SpfOutcome& spf : findings.spf) {
    if (spf.identity != SpfIdentity::mailfrom || !spf.domain) continue;
    if (spf.result == SpfResult::pass) {
      identifiers.push_back({Identifier::Method::spf, *spf.domain});
    } else if (spf.result == SpfResult::temperror) {
      identifiers.push_back({Identifier::Method::spf, *spf.domain, Identifier::State::temperror, "",
                             spf.undecided_by});
    }
  }
  for (const DkimOutcome& dkim : findings.dkim) {
    if (!dkim.domain) continue;
    const std::string selector = dkim.selector ? dkim.selector->text() : "";
    if (dkim.result == DkimResult::pass) {
      identifiers.push_back(
          {Identifier::Method::dkim, *dkim.domain, Identifier::State::pass, selector});
    } else if (dkim.result == DkimResult::temperror) {
      identifiers.push_back({Identifier::Method::dkim, *dkim.domain, Identifier::State::temperror,
                             selector, dkim.undecided_by});
    }
  }
  return identifiers;
}

DmarcReason reason_of(AuthorDomainError error) {
  switch (error) {
    case AuthorDomainError::no_author_domain:
      return DmarcReason::no_author_domain;
    case AuthorDomainError::multiple_from_fields:
      return DmarcReason::multiple_from_fields;
    case AuthorDomainError::multiple_author_domains:
      return DmarcReason::multiple_author_domains;
    case AuthorDomainError::invalid_author_domain:
      return DmarcReason::invalid_author_domain;
    case AuthorDomainError::malformed_field_name:
      return DmarcReason::malformed_field_name;
    case AuthorDomainError::bare_cr_in_header:
      return DmarcReason::bare_cr_in_header;
    case AuthorDomainError::broken_fold_in_header:
      return DmarcReason::broken_fold_in_header;
  }
  return DmarcReason::invalid_author_domain;
}

DmarcOutcome dmarc_permerror(DmarcReason reason) {
  DmarcOutcome outcome;
  outcome.result = DmarcResult::permerror;
  outcome.reason = reason;
  return outcome;
}

std::string unfolded(std::string value) {
  for (std::size_t at = 0; (at = value.find("\n\t", at)) != std::string::npos; ++at) {
    value.replace(at, 2, 1, ' ');
  }
  return value;
}

SpfRequest spf_request(const Envelope& envelope, const Config& config, std::int64_t now) {
  return {.client = *envelope.client,
          .helo = envelope.helo,
          .mail_from = envelope.mail_from,
          .receiver = config.authserv_id->text(),
          .now = now};
}

/// SPF of who came before a forwarder, where that says more than `at` does, SPF of the forwarder:
/// it sends mail of its own, too, for which there is nothing to look past, and while its SPF is
/// open only a pass is certain.
std::optional<SpfOutcome> spf_past(const SpfOutcome& at, const SpfRequest& before,
                                   Resolver& resolver, const SpfLimits& limits) {
  if (at.result == SpfResult::pass) return std::nullopt;
  auto past = check_mail_from(before, resolver, limits);
  if (at.result == SpfResult::temperror && past.result != SpfResult::pass) return std::nullopt;
  return past;
}

/// RFC 9989 section 4.10.2: an identifier aligns when it has the Author Domain's Organizational
/// Domain, which is then that of all names between the two. While it is not known, every name above
/// or below the Author Domain may be aligned.
DkimVerifier::SigningDomains maybe_aligned(const DomainName& author,
                                           const std::optional<DomainName>& organizational_domain) {
  return [author, organizational_domain](const DomainName& signer) {
    if (organizational_domain) return signer.is_equal_or_below(*organizational_domain);
    return signer.is_equal_or_below(author) || author.is_equal_or_below(signer);
  };
}

bool goes_on(Disposition disposition) {
  return disposition == Disposition::accept || disposition == Disposition::tag ||
         disposition == Disposition::quarantine;
}

/// Without an address there is nothing to check (A50).
SpfOutcome unknown_client(const Envelope& envelope) {
  SpfOutcome outcome;
  outcome.domain = envelope.mail_from.domain;
  outcome.reason = SpfReason::no_client_address;
  return outcome;
}

}  // namespace

bool is_ours(const Envelope& envelope, const Config& config) {
  if (!envelope.auth_user.empty() || envelope.submitted_here) return true;
  return envelope.client && config.internal.contains(*envelope.client);
}

SpfLimits spf_limits(const VerifyConfig& config) {
  SpfLimits limits;
  limits.lookup_terms = config.spf_lookups;
  limits.void_lookups = config.spf_void_lookups;
  return limits;
}

struct MessageVerifier::Impl {
  Impl(const Config& configuration, const DkimEngine& dkim_engine, Resolver& resolver,
       Envelope message_envelope, std::int64_t time, SealStep::Key key)
      : config(configuration),
        envelope(std::move(message_envelope)),
        now(time),
        budget(resolver, config.dns.message_queries, config.dns.message_timeout,
               DnsClient(envelope.client)),
        recording(budget),
        guard(config.verify.limits),
        dkim(dkim_engine, recording,
             {.maximum_signatures = config.verify.maximum_signatures,
              .minimum_rsa_bits = config.verify.minimum_rsa_bits,
              .now = time,
              .added_fields = config.verify.added_fields}),
        seal_key(std::move(key)) {}

  void prefetch_spf();
  void advance_spf_early();
  void advance_spf();
  void prefetch_alignment(const std::optional<DomainName>& organizational_domain);
  Findings findings();
  void find_spf(Findings& found);
  void begin_arc();
  void add_edits(MessageVerdict& verdict);

  const Config& config;
  Envelope envelope;
  const std::int64_t now;
  BudgetResolver budget;
  RecordingResolver recording;
  HeaderGuard guard;
  DkimVerifier dkim;
  std::optional<ArcVerifier> arc;  // where there is a chain
  SealStep::Key seal_key;
  std::optional<SealStep> seal;        // where there is to be one
  std::vector<SpfPrefetch> spf_ahead;  // of MAIL FROM and of HELO
  AuthorDomainResult author = AuthorDomainError::no_author_domain;
};

void MessageVerifier::Impl::prefetch_spf() {
  if (!envelope.client) return;
  const SpfLimits limits = spf_limits(config.verify);
  for (const auto& domain : {envelope.mail_from.domain, envelope.helo.domain}) {
    if (!domain) continue;
    recording.prefetch({*domain, RrType::txt});
    spf_ahead.emplace_back(*envelope.client, *domain, limits);
  }
}

/// While the author is not known yet, and not before a recipient has been accepted. What SPF asks
/// is the sender's choice, and must leave enough of the questions for the author's policy and keys.
void MessageVerifier::Impl::advance_spf_early() {
  const auto most = spf_ahead.size() * SpfPrefetch::most_questions(spf_limits(config.verify));
  if (most <= config.dns.message_queries / 2) advance_spf();
}

void MessageVerifier::Impl::advance_spf() {
  for (SpfPrefetch& one : spf_ahead) one.advance(recording);
}

/// RFC 9989 section 4.10.2: where the identifier of SPF is another name that may be aligned, a walk
/// from there decides.
void MessageVerifier::Impl::prefetch_alignment(
    const std::optional<DomainName>& organizational_domain) {
  const auto& identifier =
      envelope.mail_from.null ? envelope.helo.domain : envelope.mail_from.domain;
  if (!envelope.client || !identifier || *identifier == *author) return;
  if (maybe_aligned(*author, organizational_domain)(*identifier))
    prefetch_dmarc(*identifier, recording);
}

/// Most mail has no chain, and then nothing of it is copied.
void MessageVerifier::Impl::begin_arc() {
  const auto& fields = guard.fields();
  if (std::none_of(fields.begin(), fields.end(),
                   [](const HeaderField& field) { return is_arc_field(field.name); }))
    return;
  arc.emplace(recording,
              ArcVerifyOptions{.minimum_rsa_bits = config.verify.minimum_rsa_bits, .now = now});
  for (const HeaderField& field : fields) arc->header(field);
  arc->end_of_headers();
}

/// SPF, and between its identities DKIM, whose answers HELO's may not hold up.
void MessageVerifier::Impl::find_spf(Findings& found) {
  if (!envelope.client) {
    found.spf.push_back(unknown_client(envelope));
    found.dkim = dkim.finish();
    return;
  }
  advance_spf();
  SpfRequest request = spf_request(envelope, config, now);
  const SpfLimits limits = spf_limits(config.verify);
  found.spf.push_back(check_mail_from(request, recording, limits));
  found.forwarder = look_past_forwarders(envelope.client, guard.fields(), config.policy.forwarders);
  if (found.forwarder && found.forwarder->client) {
    SpfRequest before = request;
    before.client = *found.forwarder->client;
    before.helo = found.forwarder->helo;
    if (auto past = spf_past(found.spf.front(), before, recording, limits)) {
      found.spf.front() = *std::move(past);
      request = std::move(before);
    } else {
      found.forwarder = PastForwarder{.reason = ForwarderReason::spf_answers_for_it};
    }
  }
  found.dkim = dkim.finish();
  SpfLimits helo_limits = limits;
  helo_limits.time = kHeloTime;
  found.spf.push_back(check_helo(request, recording, helo_limits));
}

Findings MessageVerifier::Impl::findings() {
  Findings found;
  found.client = envelope.client;
  found.mail_from = envelope.mail_from;
  found.recipients = envelope.recipients;
  if (guard.exceeded()) {
    found.dmarc = dmarc_permerror(DmarcReason::header_limit_exceeded);
    return found;
  }
  advance_spf();
  std::optional<DmarcDiscovery> discovered;
  if (author) {
    // What the author's domain says comes first: its policy, then the keys of its signatures. All
    // else may be names that the sender chose: answered slowly enough they would take the time, and
    // a forged author's policy would never be known, nor that its signature has failed.
    discovered = discover_dmarc(*author, recording);
    prefetch_alignment(discovered->organizational_domain());
    advance_spf();
    dkim.wait_for_keys(maybe_aligned(*author, discovered->organizational_domain()));
  }
  find_spf(found);
  if (discovered) {
    found.dmarc = evaluate_dmarc(*discovered, identifiers_of(found));
  } else {
    // RFC 9989 section 11.5: such a message must not slip past DMARC.
    found.author_error = author.error();
    found.dmarc = dmarc_permerror(reason_of(*found.author_error));
  }
  // Last: the keys of a chain are names that the sender chose, and may not take the time of what
  // DMARC asks.
  if (arc) found.arc = arc->finish();
  found.list_id = find_list_id(guard.fields());
  return found;
}

void MessageVerifier::Impl::add_edits(MessageVerdict& verdict) {
  verdict.edits = removals_of_forged_fields(guard.fields(), envelope, config);
  if (verdict.disposition == Disposition::tag) {
    const auto tags = tag_edits(guard.fields(), config, verdict.decision.reason);
    verdict.edits.insert(verdict.edits.end(), tags.begin(), tags.end());
  }
  const std::string value =
      compose(make_authentication_results(verdict.findings, *config.authserv_id));
  if (seal && goes_on(verdict.disposition))
    verdict.seal = seal->finish(verdict.findings.arc, guard.fields(), value, verdict.edits);
  if (verdict.seal.state == SealState::failed) {
    verdict.decision = unsealable(verdict.seal.fault);
    verdict.disposition = verdict.decision.disposition;
  }
  verdict.authentication_results = unfolded(value);
  // Last, so that it stands on top (RFC 8601 section 4.1: above everything this host did not add).
  verdict.edits.push_back({HeaderEdit::Action::insert, 0, "Authentication-Results", value});
}

MessageVerifier::MessageVerifier(const Config& config, const DkimEngine& engine, Resolver& resolver,
                                 Envelope envelope, std::int64_t now,
                                 std::optional<Result<SigningKey>> seal_key)
    : impl_(std::make_unique<Impl>(config, engine, resolver, std::move(envelope), now,
                                   std::move(seal_key))) {
  impl_->prefetch_spf();
}

MessageVerifier::~MessageVerifier() = default;

void MessageVerifier::header(const HeaderField& field) {
  if (impl_->guard.add(field)) impl_->dkim.header(field);
}

void MessageVerifier::add_recipient(ReversePath recipient) {
  impl_->envelope.recipients.push_back(std::move(recipient));
  impl_->advance_spf_early();
}

void MessageVerifier::end_of_headers() {
  if (impl_->guard.exceeded()) return;
  impl_->author =
      find_author_domain(impl_->guard.fields(), impl_->config.verify.limits.from_octets);
  // In the order of findings(), as far as there is room.
  if (const auto& author = impl_->author) {
    prefetch_dmarc(*author, impl_->recording);
    impl_->dkim.prefetch_keys(maybe_aligned(*author, std::nullopt));
  }
  impl_->dkim.end_of_headers();
  if (impl_->author) impl_->prefetch_alignment(std::nullopt);
  impl_->advance_spf();
  impl_->begin_arc();
  if (SealStep::is_for(impl_->envelope, impl_->config))
    impl_->seal.emplace(std::move(impl_->seal_key), impl_->guard.fields(), impl_->envelope.mta,
                        impl_->now);
}

bool MessageVerifier::wants_body() const {
  return !impl_->guard.exceeded() &&
         (impl_->dkim.wants_body() || (impl_->arc && impl_->arc->wants_body()) ||
          (impl_->seal && impl_->seal->wants_body()));
}

void MessageVerifier::body(std::string_view octets) {
  impl_->advance_spf();
  if (!wants_body()) return;
  impl_->dkim.body(octets);
  if (impl_->arc) impl_->arc->body(octets);
  if (impl_->seal) impl_->seal->body(octets);
}

MessageVerdict MessageVerifier::finish() {
  MessageVerdict verdict;
  verdict.findings = impl_->findings();
  if (impl_->guard.exceeded()) {
    verdict.decision = header_too_large(impl_->guard.excess());
  } else {
    verdict.decision = decide(verdict.findings, impl_->config.policy);
    if (needs_missing_answers(verdict.decision, verdict.findings, impl_->recording.entries()))
      verdict.decision = overloaded();
  }
  verdict.disposition = verdict.decision.disposition;
  if (verdict.disposition == Disposition::quarantine && !impl_->envelope.quarantine_offered) {
    verdict.disposition = Disposition::tag;
  }
  // RFC 8601 section 5: what cannot be rid of results in our name is refused in this mode too.
  if (impl_->config.verify.mode == VerifyMode::monitor && !impl_->guard.overflowed()) {
    verdict.disposition = Disposition::accept;
  }
  impl_->add_edits(verdict);
  verdict.lookups = impl_->recording.entries();
  verdict.dns_queries = impl_->budget.queries();
  verdict.dns_wait = impl_->budget.waited();
  return verdict;
}

}  // namespace authmilter
