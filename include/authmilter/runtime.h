#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <authmilter/budget_resolver.h>
#include <authmilter/config.h>
#include <authmilter/dkim.h>
#include <authmilter/dns_observer.h>
#include <authmilter/key_states.h>
#include <authmilter/resolver_set.h>
#include <authmilter/result.h>
#include <authmilter/sign.h>
#include <authmilter/verify.h>

namespace authmilter {

/// The ring of the one key that `[arc]` has a place of its own for; null where it has none. As
/// KeyRing::load().
Result<std::shared_ptr<const KeyRing>> load_seal_keys(const Config& config,
                                                      const KeyRing* previous = nullptr);

/// Everything that one configuration stands for: the settings, the signing keys, the DNS and the
/// DKIM library. The daemon judges and signs by it, and so does the command, so that they cannot
/// come to different results. Immutable and shared, thread-safe; a reload makes a new one, and a
/// connection keeps the one it began with.
class Runtime {
 public:
  /// Reads the configuration, its zones and its keys. What is costly to lose and has not changed is
  /// taken over from `previous` (may be null): the resolver with its cache while `[dns]` is the
  /// same, the DKIM library with the public keys it has parsed, the keys of files that are as they
  /// were. A new resolver tells `observer` (may be null) of its questions. The first mistake is the
  /// error.
  static Result<std::shared_ptr<const Runtime>> load(const std::filesystem::path& path,
                                                     const std::string& host_name,
                                                     const Runtime* previous = nullptr,
                                                     DnsObserver* observer = nullptr);
  /// The same with a configuration that has been read.
  static Result<std::shared_ptr<const Runtime>> make(Config config,
                                                     const Runtime* previous = nullptr,
                                                     DnsObserver* observer = nullptr);
  /// This runtime with the state files of the keys as they are now; null where they say what they
  /// said. Reads nothing else.
  std::shared_ptr<const Runtime> with_key_states_of_now() const;
  /// From parts. One that is not needed may be missing: without `keys` nothing is signed, without a
  /// resolver nothing judged. To use what is missing is a std::logic_error.
  Runtime(Config config, std::shared_ptr<const KeyRing> keys, ResolverSet dns,
          std::shared_ptr<const DkimEngine> engine = std::make_shared<const DkimEngine>(),
          std::shared_ptr<const KeyRing> seal_keys = nullptr);

  /// Without the signing domains of one that was loaded or made: those are in the keys.
  const Config& config() const { return *config_; }
  const KeyRing& keys() const;
  /// Null in a runtime that was made from parts.
  const std::shared_ptr<const KeyStates>& key_states() const { return states_; }
  /// Thread-safe, as are all resolvers of a process.
  Resolver& resolver() const;
  ValidationStatus dns_validation() const { return dns_.validation(); }
  /// What there is to say about the name servers, once.
  std::string dns_notice() const { return dns_.notice(); }

  /// Whether a message is to be signed; otherwise it is to be judged.
  bool signs(const Envelope& envelope) const { return is_ours(envelope, *config_); }
  /// For one message, at `now` in seconds since 1970. This runtime must outlive them.
  std::unique_ptr<MessageVerifier> verifier(Envelope envelope, std::int64_t now) const;
  std::unique_ptr<MessageSigner> signer(Envelope envelope, std::int64_t now) const;
  /// The DNS within what one message may ask and wait. This runtime must outlive it.
  BudgetResolver message_budget() const;

 private:
  std::optional<Result<SigningKey>> seal_key() const;

  std::shared_ptr<const Config> config_;
  std::shared_ptr<const KeyRing> keys_;
  std::shared_ptr<const KeyRing> seal_keys_;  // of `[arc]`; null: those above
  std::shared_ptr<const KeyStates> states_;
  std::shared_ptr<const DkimEngine> engine_;
  ResolverSet dns_;
};

}  // namespace authmilter
