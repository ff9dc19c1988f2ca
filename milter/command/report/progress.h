#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace authmilter::tools {

/// How far a long run is, on standard error: a bar that is drawn again on a terminal, elsewhere a
/// line now and then, and none of a run that is over before the first is due. Not more often than
/// people can read.
class Progress {
 public:
  /// `what` is done: "ingest".
  Progress(std::string_view what, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So much of the total, and how much that is in words: "120 reports".
  void at(std::uint64_t done, std::string_view words);
  /// Takes the bar away, before something else is printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::uint64_t total_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point next_;
};

}  // namespace authmilter::tools
