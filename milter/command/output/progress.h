#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

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

  void at(std::uint64_t done, std::uint64_t all);
  /// The same where what is counted is not what the bar measures: octets of reports. An `all` of 0
  /// is not known, and neither is exact.
  void at(std::uint64_t done, std::uint64_t all, std::uint64_t counted);
  /// Wipes the bar, before something else is printed.
  void wipe();

 private:
  using Clock = std::chrono::steady_clock;
  bool is_due();
  void draw(std::uint64_t done, std::uint64_t all, const std::string& words);

  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point next_;
};

/// "[#####-----] 50%  12 of 24 reports", of at most `columns`.
std::string progress_bar(std::uint64_t done, std::uint64_t all, std::string_view words,
                         std::size_t columns);

}  // namespace authmilter::tools
