#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace authmilter::tools {

/// How far a long run is, on standard error: a bar on a terminal, and elsewhere a line now and then
/// for logs. Says nothing of a run that is over at once.
class Progress {
 public:
  /// Whether it says how fast it goes and how long it will take.
  enum class Pace : std::uint8_t { untold, told };
  /// `what` is counted: "reports". The pace is that since the first call of at().
  explicit Progress(std::string what, Pace pace = Pace::untold);
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
  Pace pace_;
  std::optional<std::pair<std::uint64_t, Clock::time_point>> begun_;
};

/// ", 52 a second, 3 min left"; empty while nothing can be said.
std::string pace_words(std::uint64_t done, std::uint64_t left, std::chrono::duration<double> time);

/// "[#####-----] 50%  12 of 24 reports", of at most `columns`.
std::string progress_bar(std::uint64_t done, std::uint64_t all, std::string_view words,
                         std::size_t columns);

}  // namespace authmilter::tools
