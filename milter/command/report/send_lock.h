#pragma once

#include <chrono>
#include <string>

#include <authmilter/reports_config.h>
#include <authmilter/result.h>

namespace authmilter::tools {

/// Keeps a second run on this host waiting until the first one, with all of its processes, is gone:
/// also when it was killed and a process of it still has an entry in hand. A lock on a file beside
/// the store, or in the spool where the store is elsewhere; without a spool there is none, and the
/// store's lease alone keeps runs apart.
class SendLock {
 public:
  /// An error when the other one is not gone within `patience`.
  static Result<SendLock> take(const ReportsConfig& config, std::chrono::seconds patience);
  SendLock(SendLock&& other) noexcept;
  SendLock& operator=(SendLock&&) = delete;
  ~SendLock();

 private:
  explicit SendLock(int file) : file_(file) {}
  int file_;
};

}  // namespace authmilter::tools
