#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/domain_name.h>
#include <authmilter/result.h>
#include <authmilter/signing_key.h>
#include <authmilter/token_health.h>

namespace authmilter {

struct DomainKeys;
class KeyStates;

/// Which of a domain's keys sign. By the state's word; one that the state does not name, does, as
/// without a state, and so do those of other domains among `keys`. A key under the selector of
/// another one does not. Where none of the domain's is left all do but those that are pending: of
/// several signatures one that can be verified is enough.
std::vector<bool> choose_keys(const std::vector<SigningKey>& keys, const DomainKeys& state);

/// Of which of a domain's keys a signature can be verified by now: those of which the state says
/// that their records stand, and those that it does not name. Where there is none, the keys that
/// sign: what they would add says no more than what is there.
std::vector<bool> keys_in_the_dns(const std::vector<SigningKey>& keys, const DomainKeys& state);

/// The keys of every `[[signing.domain]]`, read and checked. Immutable, thread-safe; it stands
/// alone. A look-up costs the labels of a name, however many domains there are, and a domain takes
/// some hundred octets beside its keys.
class KeyRing final : public KnownDropIns {
 public:
  /// Fetches every key, each once, however many domains name it. A bad one of the main file is the
  /// error, with the place in the configuration; of a drop-in it is a fault, and its domain keeps
  /// the keys that it has in `previous` (may be null), or has none for the time being. A token that
  /// is away, or does not answer, is neither: its keys are PrivateKey::unavailable() until it is
  /// back. A domain of `also` that is not configured is an error or a fault likewise. The key of a
  /// file that is still the one that `previous` read is taken over from it; who may read the file
  /// is looked at each time. Where there are many keys each is tried when it is first used.
  static Result<std::shared_ptr<const KeyRing>> load(const SigningConfig& config,
                                                     const KeyRing* previous = nullptr);
  KeyRing();
  ~KeyRing() override;
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  /// The keys of `ring`, of which those sign that the state files of their domains say (see
  /// choose_keys()).
  static std::shared_ptr<const KeyRing> choose(const std::shared_ptr<const KeyRing>& ring,
                                               std::shared_ptr<const KeyStates> states);
  /// "DOMAIN SELECTOR" of keys that should sign by their state, and that the configuration which
  /// was read does not have: it has to be read again.
  const std::vector<std::string>& lacking() const { return lacking_; }
  /// Of the keys that state files name, when they were used last.
  struct UseOf {
    DomainName domain;
    Selector selector;
    std::shared_ptr<KeyUse> use;
  };
  const std::vector<UseOf>& uses() const { return uses_; }

  /// The keys that sign for an Author Domain: of the longest configured domain that equals it, or
  /// holds it with `subdomains`. Where there is none, those that OpenDKIM's tables choose for
  /// `user` in it.
  std::vector<SigningKey> keys_for(const DomainName& author_domain,
                                   const std::string& user = {}) const;
  /// Those by which a message that comes again may have been signed so that it can be verified now
  /// (see keys_in_the_dns()). Of each domain that signs there is one at least.
  std::vector<SigningKey> keys_in_the_dns_for(const DomainName& author_domain,
                                              const std::string& user = {}) const;
  /// The same with those that do not sign now: earlier ones and later ones.
  std::vector<SigningKey> known_keys_for(const DomainName& author_domain,
                                         const std::string& user = {}) const;
  /// How the mail of an Author Domain is signed. Lives as long as this ring.
  const SigningProfile& profile_for(const DomainName& author_domain) const;
  /// Why a domain that is configured has no keys now. Its mail must wait: unsigned it would be
  /// taken for a forgery elsewhere. Empty when it has, and for every other name.
  std::string fault_of(const DomainName& author_domain) const;
  /// True when both names get their keys from the same configured domain.
  bool same_owner(const DomainName& a, const DomainName& b) const;
  /// True when there is one configured domain: then whatever is signed is its owner's.
  bool single_owner() const;
  /// In the order of the configuration.
  std::vector<SigningKey> all() const;
  /// What has happened to tokens with keys since somebody asked for the last time, of this ring and
  /// of those before it.
  TokenHealth take_token_health() const;

  /// What is wrong with drop-ins, "file:line:column: message" each.
  const std::vector<std::string>& faults() const;
  std::shared_ptr<const SigningDropIn> find_drop_in(const std::string& file) const override;

  /// A key that is kept in a file.
  struct KeyFileOf {
    DomainName domain;
    Selector selector;
    std::string path;
  };
  /// The first `most` of them.
  std::vector<KeyFileOf> key_files(std::size_t most) const;

 private:
  struct Store;
  class Loader;
  using Choice = std::vector<bool>(const std::vector<SigningKey>&, const DomainKeys&);
  std::vector<SigningKey> chosen(std::vector<SigningKey> keys, Choice& choice) const;

  std::shared_ptr<const Store> store_;
  std::shared_ptr<const KeyStates> states_;  // null: all keys sign
  std::vector<UseOf> uses_;                  // sorted by the texts of domain and selector
  std::vector<std::string> lacking_;
};

}  // namespace authmilter
