#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace authmilter::tools {

/// How far a long run is, on standard error: a bar on a terminal, and elsewhere a line now and then
/// for logs. Says nothing of a run that is over at once.
class Progress {
 public:
  /// `what` is counted: "reports".
  explicit Progress(std::string what);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Wipes the bar.
  ~Progress();
  void at(std::size_t done, std::size_t all);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point next_;
};

/// "[#####-----] 50%  12 of 24 reports", of at most `columns`.
std::string progress_bar(std::size_t done, std::size_t all, const std::string& what,
                         std::size_t columns);

}  // namespace authmilter::tools
