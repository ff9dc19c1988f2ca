#pragma once

#include <mutex>
#include <utility>

namespace authmilter {

/// A value that can be reached only while its mutex is held.
template <class T>
class Locked {
 public:
  template <class... Args>
  explicit Locked(Args&&... args) : value_(std::forward<Args>(args)...) {}

  /// Calls `use` with the value; what it returns must not refer into the value.
  template <class Use>
  auto with(Use&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<Use>(use)(value_);
  }

 private:
  std::mutex mutex_;
  T value_;
};

}  // namespace authmilter
