#include "token/token_store.h"

#include <stdexcept>
#include <utility>

#include <authmilter/pkcs11_uri.h>

#include "base/ascii.h"
#include "token/module.h"
#include "token/token.h"

namespace authmilter {
namespace {

/// For messages: whose key it is, without where module and PIN are.
std::string subject_of(const std::string& uri) { return printable(uri.substr(0, uri.find('?'))); }

}  // namespace

/// A token that stops when the last of its keys is dropped, though its threads may hang on.
struct TokenStore::Held {
  explicit Held(std::shared_ptr<Token> its) : token(std::move(its)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { token->stop(); }

  const std::shared_ptr<Token> token;
};

/// A key in a token.
class TokenStore::Key final : public PrivateKey {
 public:
  Key(std::shared_ptr<Held> held, std::shared_ptr<KeyEntry> entry,
      std::chrono::milliseconds timeout)
      : held_(std::move(held)), entry_(std::move(entry)), timeout_(timeout) {}

  KeyType type() const override { return half().key->type(); }
  unsigned bits() const override { return half().key->bits(); }
  std::string dns_public_key() const override { return base64_encode(half().dns); }

  Result<Octets> sign_sha256(const Sha256Digest& digest) const override {
    auto signature = held_->token->sign(entry_, digest, Token::Clock::now() + timeout_);
    if (signature) return *std::move(signature);
    return error(signature.error());
  }

  std::optional<Error> unavailable() const override {
    if (const auto trouble = held_->token->trouble()) return error(*trouble);
    if (const auto fault = entry_->fault()) return error(*fault);
    if (entry_->known() != nullptr) return std::nullopt;
    return Error{entry_->subject() + ": the token has not shown it yet"};
  }

 private:
  Error error(const TokenError& error) const {
    const bool of_key = error.fault == TokenFault::key;
    return {entry_->subject() + ": " + (of_key ? "" : held_->token->name() + ": ") + error.message};
  }

  const PublicHalf& half() const {
    // It is set once and kept by the entry, which this object keeps.
    const auto known = entry_->known();
    if (!known) throw std::logic_error("a key that nobody has seen yet was asked what it is");
    return *known;
  }

  const std::shared_ptr<Held> held_;
  const std::shared_ptr<KeyEntry> entry_;
  const std::chrono::milliseconds timeout_;
};

TokenStore::TokenStore(PinReader read_pin) : read_pin_(std::move(read_pin)) {}

std::shared_ptr<TokenStore::Held> TokenStore::token_of(const Pkcs11Uri& uri) {
  return libraries_.with([&](Libraries& known) {
    std::erase_if(known.tokens, [](const auto& token) { return token.expired(); });
    std::erase_if(known.modules, [](const auto& module) { return module.expired(); });
    for (const auto& weak : known.tokens) {
      auto held = weak.lock();
      if (held && held->token->is_at(uri)) return held;
    }
    const ModulePlace place{uri.module_path, uri.module_name};
    std::shared_ptr<Module> module;
    for (const auto& weak : known.modules) {
      auto other = weak.lock();
      if (other && other->place() == place) module = std::move(other);
    }
    if (!module) {
      module = std::make_shared<Module>(place);
      known.modules.push_back(module);
    }
    auto held = std::make_shared<Held>(std::make_shared<Token>(uri, module, read_pin_, journal_));
    known.tokens.push_back(held);
    return held;
  });
}

Result<std::shared_ptr<const PrivateKey>> TokenStore::open(const std::string& uri,
                                                           const TokenDemands& demands) {
  const auto parsed = Pkcs11Uri::parse(uri);
  if (!parsed) return Error{without_pin(uri) + ": " + parsed.error().message};
  const std::string subject = subject_of(uri);
  auto held = token_of(*parsed);
  auto entry = std::make_shared<KeyEntry>(*parsed, subject, demands.minimum_rsa_bits);
  const auto looked = held->token->look(entry, Token::Clock::now() + demands.timeout);
  if (!looked) {
    const TokenError& error = looked.error();
    switch (error.fault) {
      case TokenFault::refused:
        return Error{subject + ": " + held->token->name() + ": " + error.message};
      case TokenFault::key:
        return Error{subject + ": " + error.message};
      case TokenFault::away:
      case TokenFault::slow:
        break;
    }
  }
  auto key = std::make_shared<const Key>(std::move(held), std::move(entry), demands.timeout);
  libraries_.with([&](Libraries& known) {
    std::erase_if(known.keys, [](const auto& other) { return other.expired(); });
    known.keys.push_back(key);
  });
  return std::shared_ptr<const PrivateKey>(std::move(key));
}

TokenHealth TokenStore::take_health() {
  TokenHealth health = journal_->take();
  const auto keys = libraries_.with([](const Libraries& known) { return known.keys; });
  for (const auto& weak : keys) {
    const auto key = weak.lock();
    if (key && key->unavailable()) ++health.unavailable_keys;
  }
  return health;
}

}  // namespace authmilter
