#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <authmilter/crypto.h>
#include <authmilter/pkcs11_uri.h>

#include "base/locked.h"
#include "token/journal.h"
#include "token/key_object.h"
#include "token/module.h"
#include "token/slot.h"

namespace authmilter {

/// A key that is somewhere in a token: how it is found, and what is known of it. Thread-safe.
class KeyEntry {
 public:
  /// `subject` stands for it in messages.
  KeyEntry(Pkcs11Uri uri, std::string subject, unsigned minimum_rsa_bits)
      : uri_(std::move(uri)), subject_(std::move(subject)), minimum_rsa_bits_(minimum_rsa_bits) {}

  const Pkcs11Uri& uri() const { return uri_; }
  const std::string& subject() const { return subject_; }

  /// Null until it was found for the first time; from then on it stays the same.
  std::shared_ptr<const PublicHalf> known() const;
  std::optional<TokenError> fault() const;

  /// What speaks against the key that is found under this name now.
  TokenResult<Done> accepts(const PublicHalf& half) const;
  /// It signs. True when it did not before.
  bool works(const std::shared_ptr<const PublicHalf>& half);
  /// True when it did not fail before.
  bool fails(const TokenError& fault);

 private:
  struct State {
    std::shared_ptr<const PublicHalf> known;
    std::optional<TokenError> fault;
  };
  const Pkcs11Uri uri_;
  const std::string subject_;
  const unsigned minimum_rsa_bits_;
  mutable Locked<State> state_;
};

/// One token, with the threads that alone call its library: a call may hang for ever, and whoever
/// has a signature made waits until its deadline and no longer. While the token gives errors, a
/// thread tries every few seconds whether it is back, and nobody else has to wait for that.
/// Thread-safe.
class Token : public std::enable_shared_from_this<Token> {
 public:
  using Clock = std::chrono::steady_clock;

  /// `address` is a URI of a key in it, of which the key does not count.
  Token(Pkcs11Uri address, std::shared_ptr<Module> module, PinReader read_pin,
        std::shared_ptr<TokenJournal> journal);

  /// "token LABEL".
  std::string name() const;
  /// Whether keys of `uri` are in this token.
  bool is_at(const Pkcs11Uri& uri) const;

  /// Finds a key and tries it; from now on it is looked after while it lives. For the loading of a
  /// configuration: the token gets another chance, also with a PIN that it has refused.
  TokenResult<Done> look(const std::shared_ptr<KeyEntry>& key, Clock::time_point deadline);
  /// A signature that `key`'s public half verifies.
  TokenResult<Octets> sign(const std::shared_ptr<KeyEntry>& key, const Sha256Digest& digest,
                           Clock::time_point deadline);
  /// Why it would not even be asked now.
  std::optional<TokenError> trouble();

  /// Ends its threads, and waits a moment for those that do not hang; the others are abandoned. Not
  /// on one of them.
  void stop();

 private:
  struct Worker;
  struct Job;
  struct Thread {
    std::thread thread;
    bool is_over = false;  // nothing is left to it but its end
  };

  TokenResult<Octets> wait_for(const std::shared_ptr<Job>& job, std::unique_lock<std::mutex>& lock);
  std::optional<TokenError> trouble_now() const;
  void need_worker();
  void work(Thread& own);
  void join_those_over();
  void run(Worker& worker, std::shared_ptr<Job> job, std::unique_lock<std::mutex>& lock);
  std::shared_ptr<Job> next_to_try();
  bool has_to_try() const;
  bool give_up_session(const std::shared_ptr<Job>& job, const TokenError& error);
  void finish(Job& job, TokenResult<Octets> result);
  void is_up();
  void is_down(const TokenError& error);

  TokenResult<Octets> execute(Worker& worker, const Job& job);
  TokenResult<Octets> attempt(Worker& worker, const Job& job);
  TokenResult<Done> have_session(Worker& worker, const Module::Use& use);

  const Pkcs11Uri address_;
  const std::shared_ptr<Module> module_;
  const PinReader read_pin_;
  const std::shared_ptr<TokenJournal> journal_;

  std::mutex login_;  // held while logging in
  std::string refused_pin_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<Worker*> workers_;  // each lives on its thread's stack
  std::list<Thread> all_threads_;
  std::size_t threads_ = 0;  // that are not over; those that are beginning, too
  std::size_t most_threads_;
  std::vector<std::weak_ptr<KeyEntry>> keys_;
  std::optional<TokenError> down_;
  bool slow_ = false;       // somebody waited in vain, and nothing has come since
  bool up_ = false;         // the module was told so
  bool attention_ = false;  // the token, or a key, may have to be tried
  bool trying_ = false;     // a thread does
  bool stopping_ = false;
  unsigned tries_ = 0;  // in vain, one after the other
  Clock::time_point failed_;
  Clock::time_point last_try_;
  Clock::time_point next_try_;
};

}  // namespace authmilter
