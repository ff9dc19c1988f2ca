#include <authmilter/sign.h>

#include <authmilter/message.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>

#include "verify/header_edits.h"
#include "verify/header_guard.h"

namespace authmilter {
namespace {

constexpr const char* kSigned = "signed";

/// The domain of a login name such as "alice@example.org"; most logins have none.
std::optional<DomainName> login_domain(std::string_view user) {
  const std::size_t at = user.rfind('@');
  return at == std::string_view::npos ? std::nullopt : DomainName::parse(user.substr(at + 1));
}

/// An authenticated user signs only for the domain it sends as: neither the reverse-path nor a
/// login that names a domain may belong to somebody else than the Author Domain does. With the null
/// reverse-path only such a login says whom the user sends as (A150, A158).
bool sender_matches(const Envelope& envelope, const DomainName& author, const KeyRing& keys) {
  if (envelope.auth_user.empty()) return true;  // an internal network, trusted as a whole
  const auto login = login_domain(envelope.auth_user);
  if (login && !keys.same_owner(author, *login)) return false;
  const ReversePath path = parse_reverse_path(envelope.mail_from);
  if (path.null) return login.has_value();
  return path.domain && keys.same_owner(author, *path.domain);
}

DkimSignOptions sign_options(const SigningConfig& config, std::int64_t now) {
  return {.header = config.header_canonicalization,
          .body = config.body_canonicalization,
          .headers = config.headers,
          .oversign = config.oversign,
          .oversign_present = config.oversign_present,
          .now = now,
          .lifetime = std::chrono::duration_cast<std::chrono::seconds>(config.lifetime).count()};
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

  /// Chooses the keys; leaves the reason in `outcome` when there are none to use.
  void choose_keys();

  const Config& config;
  const DkimEngine& engine;
  const KeyRing& keys;
  Envelope envelope;
  const std::int64_t now;
  HeaderGuard guard;
  std::optional<DkimSigner> signer;
  SigningOutcome outcome;
};

void MessageSigner::Impl::choose_keys() {
  if (guard.exceeded()) {
    outcome.reason = std::string(kHeaderLimitReason) + " (" + guard.excess() + ")";
    return;
  }
  const AuthorDomainResult author =
      find_author_domain(guard.fields(), config.verify.limits.from_octets);
  if (const auto* error = std::get_if<AuthorDomainError>(&author)) {
    outcome.reason = to_string(*error);
    return;
  }
  const DomainName& domain = std::get<AuthorDomain>(author).domain;
  outcome.author_domain = domain;
  outcome.keys = keys.keys_for(domain);
  if (outcome.keys.empty()) {
    outcome.reason = "no-key";
  } else if (config.signing.require_sender_match && !sender_matches(envelope, domain, keys)) {
    outcome.keys.clear();
    outcome.reason = "sender-mismatch";
  }
}

MessageSigner::MessageSigner(const Config& config, const DkimEngine& engine, const KeyRing& keys,
                             Envelope envelope, std::int64_t now)
    : impl_(std::make_unique<Impl>(config, engine, keys, std::move(envelope), now)) {}

MessageSigner::~MessageSigner() = default;

void MessageSigner::header(const HeaderField& field) { impl_->guard.add(field); }

void MessageSigner::end_of_headers() {
  impl_->choose_keys();
  if (impl_->outcome.keys.empty()) return;
  impl_->signer.emplace(impl_->engine, impl_->outcome.keys,
                        sign_options(impl_->config.signing, impl_->now));
  for (const HeaderField& field : impl_->guard.fields()) impl_->signer->header(field);
  impl_->signer->end_of_headers();
}

bool MessageSigner::wants_body() const { return impl_->signer.has_value(); }

void MessageSigner::body(std::string_view octets) {
  if (impl_->signer) impl_->signer->body(octets);
}

SigningOutcome MessageSigner::finish() {
  SigningOutcome& outcome = impl_->outcome;
  outcome.edits = removals_of_forged_fields(impl_->guard.fields(), impl_->envelope, impl_->config);
  outcome.failed = impl_->guard.overflowed();
  if (!impl_->signer) return std::move(outcome);
  const auto fields = impl_->signer->finish();
  if (!fields) {
    outcome.failed = true;
    outcome.keys.clear();
    outcome.reason = "signing-failed (" + fields.error().message + ")";
    return std::move(outcome);
  }
  for (auto field = fields->rbegin(); field != fields->rend(); ++field) {
    outcome.edits.push_back(
        {HeaderEdit::Action::insert, 0, field->name, milter_value(field->value)});
  }
  outcome.reason = kSigned;
  return std::move(outcome);
}

}  // namespace authmilter
