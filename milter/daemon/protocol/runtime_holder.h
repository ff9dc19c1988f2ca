#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include <authmilter/runtime.h>

namespace authmilter {

/// The runtime in force, which a reload swaps and each new connection takes. Thread-safe.
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
