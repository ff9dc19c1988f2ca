#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace bench {

/// The processes of one filter. Those that have ended count no more.
class FilterProcesses {
 public:
  /// "NAME=PID,PID..."
  explicit FilterProcesses(const std::string& text);

  const std::string& name() const { return name_; }
  /// User and system time of all threads, also of those that have ended.
  std::chrono::nanoseconds cpu_time() const;
  /// The user's part of it, as a share; coarse, by ticks of the kernel.
  double user_share() const;
  /// Of the machine's memory, now (VmRSS).
  long resident_kb() const;

 private:
  std::string name_;
  std::vector<pid_t> pids_;
};

/// Of this process.
std::chrono::nanoseconds own_cpu_time();

}  // namespace bench
