#include <authmilter/sign.h>

#include <authmilter/message.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

#include "base/ascii.h"
#include "edits/header_edits.h"
#include "edits/header_guard.h"
#include "edits/results_claim.h"
#include "sign/fragility.h"
#include "sign/own_signatures.h"
#include "sign/sender_match.h"
#include "sign/sendmail_form.h"

namespace authmilter {
namespace {

DkimSignOptions sign_options(const SigningProfile& profile, std::int64_t now,
                             std::vector<std::string> left_out) {
  return {.header = profile.header_canonicalization,
          .body = profile.body_canonicalization,
          .headers = profile.headers,
          .oversign = profile.oversign,
          .oversign_present = profile.oversign_present,
          .left_out = std::move(left_out),
          .now = now,
          .lifetime = std::chrono::duration_cast<std::chrono::seconds>(profile.lifetime).count()};
}

/// From the top; those of one kind stay as they are listed. Of keys that are there.
void put_in_order(std::span<SigningKey> keys, SignatureOrder order) {
  const auto put_on_top = [&](KeyType type) {
    std::stable_partition(keys.begin(), keys.end(),
                          [&](const SigningKey& key) { return key.key->type() == type; });
  };
  switch (order) {
    case SignatureOrder::rsa_on_top:
      return put_on_top(KeyType::rsa);
    case SignatureOrder::ed25519_on_top:
      return put_on_top(KeyType::ed25519);
    case SignatureOrder::as_listed:
      return;
  }
}

SigningReason reason_of(AuthorDomainError error) {
  switch (error) {
    case AuthorDomainError::no_author_domain:
      return SigningReason::no_author_domain;
    case AuthorDomainError::multiple_from_fields:
      return SigningReason::multiple_from_fields;
    case AuthorDomainError::multiple_author_domains:
      return SigningReason::multiple_author_domains;
    case AuthorDomainError::invalid_author_domain:
      return SigningReason::invalid_author_domain;
    case AuthorDomainError::malformed_field_name:
      return SigningReason::malformed_field_name;
    case AuthorDomainError::bare_cr_in_header:
      return SigningReason::bare_cr_in_header;
    case AuthorDomainError::broken_fold_in_header:
      return SigningReason::broken_fold_in_header;
  }
  return SigningReason::invalid_author_domain;
}

}  // namespace

struct MessageSigner::Impl {
  Impl(const Config& configuration, const DkimEngine& dkim_engine, const KeyRing& key_ring,
       Envelope message_envelope, std::int64_t time)
      : config(configuration),
        engine(dkim_engine),
        keys(key_ring),
        envelope(std::move(message_envelope)),
        now(time),
        guard(config.verify.limits) {}

  /// Mail from inside that nobody has authenticated for: a program may have sent on what came from
  /// outside. An authenticated user is asked for whatever it sends.
  bool may_come_from_outside() const { return envelope.auth_user.empty(); }
  /// Chooses the keys; leaves the reason in `outcome` when there are none to use.
  void choose_keys();
  std::vector<HeaderEdit> removals() const;
  void keep_unsigned_the_next_time();
  void leave_unsigned(Reason<SigningReason> reason);
  void put_off(Reason<SigningReason> why);
  /// `setting` is what keeps the sender from signing as the author.
  void refuse_sender(const DomainName& author, std::string setting);
  void sign();

  const Config& config;
  const DkimEngine& engine;
  const KeyRing& keys;
  Envelope envelope;
  const std::int64_t now;
  HeaderGuard guard;
  const SigningProfile* profile = nullptr;  // of the author's domain
  std::vector<SigningKey> chosen;           // empty once nothing is to be signed
  std::vector<SigningKey> known;            // those, and others of the domain that do not sign now
  std::optional<DkimSigner> signer;
  std::optional<OwnKeyRecords> own_keys;
  std::optional<OwnSignatures> earlier;
  std::optional<FragilityScan> fragility;
  bool to_come_again = false;
  SigningOutcome outcome;
};

void MessageSigner::Impl::leave_unsigned(Reason<SigningReason> reason) {
  chosen = {};
  outcome.reason = std::move(reason);
}

/// It has to be signed and cannot be: it comes again later.
void MessageSigner::Impl::put_off(Reason<SigningReason> why) {
  to_come_again = true;
  leave_unsigned(std::move(why));
}

void MessageSigner::Impl::choose_keys() {
  if (guard.exceeded())
    return leave_unsigned({SigningReason::header_limit_exceeded, guard.excess()});
  const AuthorDomainResult author =
      find_author_domain(guard.fields(), config.verify.limits.from_octets);
  if (!author) return leave_unsigned(reason_of(author.error()));
  const DomainName& domain = *author;
  outcome.author_domain = domain;
  const Author who = author_of(domain, guard.fields());
  const auto& mailbox = who.mailbox;
  const std::string user = mailbox ? mailbox->local_part : std::string();
  chosen = keys.keys_for(domain, user);
  known = keys.known_keys_for(domain, user);
  const std::string fault = keys.fault_of(domain);
  if (chosen.empty() && fault.empty()) return leave_unsigned(SigningReason::no_key);
  auto mismatch = sender_mismatch(envelope, who, config.signing, keys);
  if (mismatch) return refuse_sender(domain, *std::move(mismatch));
  if (may_come_from_outside() && judged_and_not_vouched_for(guard.fields(), domain, config))
    return leave_unsigned(SigningReason::judged_before);
  if (!fault.empty()) return put_off({SigningReason::keys_unusable, printable(fault)});
  profile = &keys.profile_for(domain);
  for (const SigningKey& key : chosen) {
    if (const auto away = key.key->unavailable())
      return put_off({SigningReason::signing_failed, away->message});
  }
  put_in_order(chosen, profile->order);
}

void MessageSigner::Impl::refuse_sender(const DomainName& author, std::string setting) {
  leave_unsigned({SigningReason::sender_mismatch, std::move(setting)});
  switch (config.signing.mismatch) {
    case SenderMismatch::left_unsigned:
      return;
    case SenderMismatch::refused:
      // RFC 3463 section 3.8: X.7.1, delivery not authorized, message refused.
      outcome.refusal = SmtpReply{550, "5.7.1", "You may not send as " + author.text()};
      return;
  }
}

std::vector<HeaderEdit> MessageSigner::Impl::removals() const {
  // Beyond the limits too: without what speaks against it a message would be signed when it comes
  // by once more and has become shorter.
  return removals_of_forged_fields(
      guard.fields(), envelope, config,
      may_come_from_outside() ? AdverseFields::kept : AdverseFields::removed);
}

void MessageSigner::Impl::keep_unsigned_the_next_time() {
  if (!may_come_from_outside()) return;
  auto judgement = judgement_to_restore(guard.fields(), envelope, config, outcome.author_domain);
  if (judgement) outcome.edits.push_back(*std::move(judgement));
}

void MessageSigner::Impl::sign() {
  const auto fields = signer->finish();
  if (!fields) return put_off({SigningReason::signing_failed, fields.error().message});
  for (auto field = fields->rbegin(); field != fields->rend(); ++field) {
    outcome.edits.push_back(
        {HeaderEdit::Action::insert, 0, field->name, milter_value(field->value)});
  }
  outcome.reason = SigningReason::made;
  outcome.keys = chosen;
  constexpr std::int64_t kDay = 24 * 60 * 60;
  for (const SigningKey& key : chosen) {
    if (key.use) key.use->day.store(now / kDay, std::memory_order_relaxed);
  }
  outcome.fragile = fragility->found();
}

MessageSigner::MessageSigner(const Config& config, const DkimEngine& engine, const KeyRing& keys,
                             Envelope envelope, std::int64_t now)
    : impl_(std::make_unique<Impl>(config, engine, keys, std::move(envelope), now)) {}

MessageSigner::~MessageSigner() = default;

void MessageSigner::header(const HeaderField& field) {
  // What we sign must be what Sendmail sends.
  if (impl_->envelope.mta == Mta::sendmail) {
    impl_->guard.add({field.name, as_sendmail_writes(field.name, field.value)});
  } else {
    impl_->guard.add(field);
  }
}

void MessageSigner::end_of_headers() {
  Impl& message = *impl_;
  message.choose_keys();
  const std::span<const SigningKey> keys = message.chosen;
  if (keys.empty()) return;
  const auto& fields = message.guard.fields();
  // A signature by a key that has made way for another one since is ours too.
  message.own_keys.emplace(message.known);
  message.earlier.emplace(
      message.engine, *message.own_keys, message.known, fields,
      DkimVerifyOptions{.maximum_signatures = message.config.verify.maximum_signatures,
                        .now = message.now});
  const auto rewritten = names_to_be_qualified(fields, message.envelope.mta);
  message.signer.emplace(message.engine, keys,
                         sign_options(*message.profile, message.now, rewritten));
  for (const HeaderField& field : fields) message.signer->header(field);
  message.signer->end_of_headers();
  message.fragility.emplace(message.envelope.mta);
  message.fragility->header(fields, message.signer->signed_names());
  if (!rewritten.empty()) message.fragility->add(Fragility::unqualified_address);
}

bool MessageSigner::wants_body() const { return impl_->signer.has_value(); }

void MessageSigner::body(std::string_view octets) {
  if (!impl_->signer) return;
  impl_->signer->body(octets);
  impl_->earlier->body(octets);
  impl_->fragility->body(octets);
}

SigningOutcome MessageSigner::finish() {
  SigningOutcome& outcome = impl_->outcome;
  outcome.edits = impl_->removals();
  if (!impl_->signer) {
    impl_->keep_unsigned_the_next_time();
  } else if (impl_->earlier->hold()) {
    impl_->leave_unsigned(SigningReason::signed_before);
  } else {
    impl_->sign();
  }
  outcome.failed = impl_->to_come_again || impl_->guard.overflowed();
  return std::move(outcome);
}

}  // namespace authmilter
