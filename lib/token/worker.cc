#include "token/worker.h"

#include <utility>

#include <fmt/format.h>

namespace authmilter {

std::shared_ptr<const PublicHalf> KeyEntry::known() const {
  return state_.with([](const State& state) { return state.known; });
}

std::optional<TokenError> KeyEntry::fault() const {
  return state_.with([](const State& state) { return state.fault; });
}

TokenResult<Done> KeyEntry::accepts(const PublicHalf& half) const {
  const auto before = known();
  if (before && before->dns != half.dns)
    return TokenError{TokenFault::key,
                      "another key stands in the token under this name now: load the configuration "
                      "again to sign with it"};
  if (half.key->type() != KeyType::rsa || half.key->bits() >= minimum_rsa_bits_) return Done{};
  return TokenError{TokenFault::key,
                    fmt::format("an RSA key of {} bits: signing.minimum_rsa_bits is {}",
                                half.key->bits(), minimum_rsa_bits_)};
}

bool KeyEntry::works(const std::shared_ptr<const PublicHalf>& half) {
  return state_.with([&](State& state) {
    if (!state.known) state.known = half;
    return std::exchange(state.fault, std::nullopt).has_value();
  });
}

bool KeyEntry::fails(const TokenError& fault) {
  return state_.with([&](State& state) { return !std::exchange(state.fault, fault).has_value(); });
}

/// Whatever is wrong may be wrong with the session or a handle only, so what failed is done once
/// more with new ones.
TokenResult<Octets> Token::execute(Worker& worker, const Job& job) {
  auto result = attempt(worker, job);
  if (result || result.error().value == CKR_SESSION_COUNT) return result;
  if (result.error().fault == TokenFault::refused) return result;
  result = attempt(worker, job);
  // Some libraries look for tokens only when they begin.
  if (!result && result.error().fault == TokenFault::away) module_->begin_anew();
  return result;
}

TokenResult<Octets> Token::attempt(Worker& worker, const Job& job) {
  const auto use = module_->use();
  if (!use) return use.error();
  if (worker.generation != (*use)->generation()) worker.forget();
  worker.generation = (*use)->generation();
  auto alone = (*use)->one_at_a_time();
  // However this fails, the next attempt begins with a session of its own.
  const auto failed = [&](TokenError error) {
    if (!alone) alone.lock();
    worker.close();
    return error;
  };
  if (auto session = have_session(worker, **use); !session) return failed(session.error());
  auto found = worker.found.find(job.key.get());
  if (found == worker.found.end() || found->second.key.lock() != job.key) {
    const auto handle = find_private_key(*worker.session, job.key->uri());
    if (!handle) return failed(handle.error());
    auto half = public_half(*worker.session, *handle, job.key->uri());
    if (!half) return failed(half.error());
    if (auto accepted = job.key->accepts(*half); !accepted) return failed(accepted.error());
    std::erase_if(worker.found, [](const auto& known) { return known.second.key.expired(); });
    found = worker.found
                .insert_or_assign(
                    job.key.get(),
                    Worker::Found{job.key, *handle, std::make_shared<PublicHalf>(*std::move(half))})
                .first;
  }
  const Worker::Found& key = found->second;
  const Sha256Digest digest = job.digest ? *job.digest : sha256("authmilter");
  const KeyType type = key.half->key->type();
  if (auto begun = begin_to_sign(*worker.session, key.handle, type); !begun)
    return failed(begun.error());
  alone.unlock();
  auto signature = authmilter::sign(*worker.session, type, digest);
  if (!signature) return failed(signature.error());
  // Whoever replaces a key may leave the handle as it was, and hardware may fail: what does not
  // verify is worse than no signature.
  if (!key.half->key->verify_sha256(digest, *signature))
    return failed({TokenFault::key, "what it signs its public half does not verify"});
  if (job.key->works(key.half)) journal_->recovered(job.key->subject());
  return signature;
}

TokenResult<Done> Token::have_session(Worker& worker, const Module::Use& use) {
  if (worker.session) return Done{};
  const auto slot = find_slot(use.libraries(), address_);
  if (!slot) return slot.error();
  const auto session = open_session(*slot);
  if (!session) return session.error();
  worker.session = *session;
  // One thread at a time: a wrong PIN must not be tried by each.
  const std::lock_guard lock(login_);
  return log_in(*slot, *session, address_, read_pin_, refused_pin_);
}

}  // namespace authmilter
