#include <authmilter/sign.h>

#include <authmilter/message.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <span>
#include <utility>

#include "base/ascii.h"
#include "edits/header_edits.h"
#include "edits/header_guard.h"
#include "edits/results_claim.h"
#include "message/sendmail_form.h"
#include "sign/fragility.h"
#include "sign/own_signatures.h"
#include "sign/sender_match.h"

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
  void add_keys_of_others();
  std::vector<HeaderEdit> removals() const;
  void keep_unsigned_the_next_time();
  void leave_unsigned(Reason<SigningReason> reason);
  void put_off(Reason<SigningReason> why);
  /// `setting` is what keeps the sender from signing as the author.
  void refuse_sender(const DomainName& author, std::string setting);
  void sign_unless_signed_before();
  /// For all domains but those that have signed it before.
  void sign(const std::set<DomainName>& before);

  const Config& config;
  const DkimEngine& engine;
  const KeyRing& keys;
  Envelope envelope;
  const std::int64_t now;
  HeaderGuard guard;
  const SigningProfile* profile = nullptr;  // of the author's domain
  std::vector<SigningKey> chosen;           // empty once nothing is to be signed
  std::size_t chosen_for_author = 0;        // so many of them stand before those of other domains
  std::vector<SigningKey> in_the_dns;       // of the same domains, whether they sign now or not
  std::set<DomainName> domains_for_author;  // of the keys for the author among `in_the_dns`
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
  in_the_dns = keys.keys_in_the_dns_for(domain, user);
  const std::string fault = keys.fault_of(domain);
  if (chosen.empty() && fault.empty()) return leave_unsigned(SigningReason::no_key);
  auto mismatch = sender_mismatch(envelope, who, config.signing, keys);
  if (mismatch) return refuse_sender(domain, *std::move(mismatch));
  if (may_come_from_outside() && judged_and_not_vouched_for(guard.fields(), domain, config))
    return leave_unsigned(SigningReason::judged_before);
  if (!fault.empty()) return put_off({SigningReason::keys_unusable, printable(fault)});
  profile = &keys.profile_for(domain);
  chosen_for_author = chosen.size();
  for (const SigningKey& key : in_the_dns) domains_for_author.insert(key.domain);
  add_keys_of_others();
  for (const SigningKey& key : chosen) {
    if (const auto away = key.key->unavailable())
      return put_off({SigningReason::signing_failed, away->message});
  }
  if (to_come_again) return;
  const std::span<SigningKey> all = chosen;
  put_in_order(all.first(chosen_for_author), profile->order);
  put_in_order(all.subspan(chosen_for_author), profile->order);
}

/// Those of `signing.also` sign whatever is signed for the author, in the same way.
void MessageSigner::Impl::add_keys_of_others() {
  for (const DomainName& other : profile->also) {
    if (domains_for_author.count(other) != 0) continue;
    const std::string fault = keys.fault_of(other);
    if (!fault.empty())
      return put_off({SigningReason::keys_unusable, other.text() + ": " + printable(fault)});
    // None where it was taken out of the configuration while a drop-in with a fault, which goes on
    // as it was, names it. What the author's own keys sign need not wait for that.
    const auto is_its = [&](const SigningKey& key) { return key.domain == other; };
    const auto signing = keys.keys_for(other);
    std::copy_if(signing.begin(), signing.end(), std::back_inserter(chosen), is_its);
    const auto all = keys.keys_in_the_dns_for(other);
    std::copy_if(all.begin(), all.end(), std::back_inserter(in_the_dns), is_its);
  }
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

void MessageSigner::Impl::sign(const std::set<DomainName>& before) {
  const auto fields = signer->finish();
  if (!fields) return put_off({SigningReason::signing_failed, fields.error().message});
  constexpr std::int64_t kDay = 24 * 60 * 60;
  std::vector<HeaderEdit> made;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const SigningKey& key = chosen[i];
    if (before.count(key.domain) != 0) continue;
    if (key.use) key.use->day.store(now / kDay, std::memory_order_relaxed);
    outcome.keys.push_back(key);
    const HeaderField& field = (*fields)[i];
    made.push_back({HeaderEdit::Action::insert, 0, field.name, milter_value(field.value)});
  }
  outcome.edits.insert(outcome.edits.end(), made.rbegin(), made.rend());
  outcome.reason = SigningReason::made;
  outcome.fragile = fragility->found();
}

/// A signature for the author is all that a message needs. One of another domain alone is not: it
/// says nothing about the author.
void MessageSigner::Impl::sign_unless_signed_before() {
  const std::set<DomainName> before = earlier->holding();
  const auto for_author = [this](const DomainName& domain) {
    return domains_for_author.count(domain) != 0;
  };
  if (std::any_of(before.begin(), before.end(), for_author))
    return leave_unsigned(SigningReason::signed_before);
  sign(before);
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
  // A signature by a key that has made way for another one since is enough while that key's record
  // stands: by one that is revoked or lost nobody can verify it any more.
  message.own_keys.emplace(message.in_the_dns);
  message.earlier.emplace(
      message.engine, *message.own_keys, message.in_the_dns, fields,
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
  } else {
    impl_->sign_unless_signed_before();
  }
  outcome.failed = impl_->to_come_again || impl_->guard.overflowed();
  return std::move(outcome);
}

}  // namespace authmilter
