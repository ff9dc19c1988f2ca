#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/c_handle.h"
#include "token/pkcs11.h"

namespace authmilter {

/// Which library serves a token: a file, one that is registered with p11-kit (pkcs11.conf(5)), or,
/// with neither, every one that is registered.
struct ModulePlace {
  std::string path;
  std::string name;
  bool operator==(const ModulePlace&) const = default;
};

/// A PKCS#11 library in this process, or all that are registered. Loaded and initialised when it is
/// first used, which must be behind the last fork() of a process that goes on using it; finalised
/// when it is dropped. Thread-safe. Calls may take as long as the library likes.
class Module {
 public:
  explicit Module(ModulePlace place) : place_(std::move(place)) {}
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const ModulePlace& place() const { return place_; }

  /// The right to call the libraries, which lasts as long as this object.
  class Use {
   public:
    const std::vector<CK_FUNCTION_LIST*>& libraries() const { return module_.ready_; }
    /// Changes whenever all sessions and handles from before are void.
    std::uint64_t generation() const { return module_.generation_; }
    /// To be held around every call but C_Sign, which alone takes time and is all of a session's
    /// own. SoftHSM 2.6 decrypts what is in its store by one cipher for all sessions.
    std::unique_lock<std::mutex> one_at_a_time() const { return std::unique_lock(module_.calls_); }

   private:
    friend class Module;
    explicit Use(Module& module) : module_(module), lock_(module.in_use_) {}

    Module& module_;
    std::shared_lock<std::shared_mutex> lock_;
  };
  /// Loads and initialises first where that has not been done. `refused`: it cannot be loaded;
  /// `away`: it cannot be initialised.
  TokenResult<std::unique_ptr<Use>> use();

  /// Lets the libraries begin anew: some look for tokens only then. Does nothing while anybody uses
  /// them, or has a token that works (token_is_up()).
  void begin_anew();
  void token_is_up() { ++tokens_up_; }
  void token_is_down() { --tokens_up_; }

 private:
  TokenResult<Done> load();
  TokenResult<Done> initialise();
  void finalise();

  const ModulePlace place_;
  std::mutex calls_;
  std::shared_mutex in_use_;  // shared: within a library; alone: changes what follows
  std::vector<CK_FUNCTION_LIST*> loaded_;
  CHandle<CK_FUNCTION_LIST, p11_kit_module_release> one_;     // owns what is loaded by its path
  CHandle<CK_FUNCTION_LIST*, p11_kit_modules_release> many_;  // or what is registered
  std::vector<CK_FUNCTION_LIST*> ready_;                      // initialised
  std::uint64_t generation_ = 0;
  std::atomic<int> tokens_up_ = 0;
};

}  // namespace authmilter
