#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <authmilter/config.h>
#include <authmilter/dkim.h>
#include <authmilter/dns_observer.h>
#include <authmilter/resolver_set.h>
#include <authmilter/result.h>
#include <authmilter/sign.h>

namespace authmilter {

/// Everything that one configuration stands for: the settings, the signing keys, the DNS and the
/// DKIM library. Immutable and shared; a reload makes a new one, and a connection keeps the one it
/// began with.
class Runtime {
 public:
  /// Reads the configuration, its zones and its keys. What is costly to lose and has not changed is
  /// taken over from `previous` (may be null): the resolver with its cache while `[dns]` is the
  /// same, the DKIM library with the public keys it has parsed, the keys of files that are as they
  /// were. A new resolver tells `observer`
  /// (may be null) of its questions. The first mistake is the error.
  static Result<std::shared_ptr<const Runtime>> load(const std::filesystem::path& path,
                                                     const std::string& host_name,
                                                     const Runtime* previous = nullptr,
                                                     DnsObserver* observer = nullptr);
  /// For tests: the same from parts.
  Runtime(Config config, std::shared_ptr<const KeyRing> keys, ResolverSet dns,
          std::shared_ptr<const DkimEngine> engine);

  const Config& config() const { return config_; }
  const KeyRing& keys() const { return *keys_; }
  const DkimEngine& engine() const { return *engine_; }
  /// Thread-safe, as are all resolvers of a process.
  Resolver& resolver() const { return dns_.resolver(); }
  ValidationStatus dns_validation() const { return dns_.validation(); }
  /// What there is to say about the name servers, once.
  std::string dns_notice() const { return dns_.notice(); }

 private:
  Config config_;
  std::shared_ptr<const KeyRing> keys_;
  std::shared_ptr<const DkimEngine> engine_;
  ResolverSet dns_;
};

/// The runtime in force. Thread-safe.
class RuntimeHolder {
 public:
  explicit RuntimeHolder(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}

  std::shared_ptr<const Runtime> get() const {
    const std::lock_guard lock(mutex_);
    return runtime_;
  }
  void set(std::shared_ptr<const Runtime> runtime) {
    const std::lock_guard lock(mutex_);
    runtime_.swap(runtime);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Runtime> runtime_;
};

}  // namespace authmilter
