#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include <authmilter/key_states.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "protocol/runtime_holder.h"

namespace authmilter {

/// Follows the state files of the signing keys, which `authmilter key watch` writes: a change of
/// them changes who signs, at once and without anything else being read. The daemon itself asks no
/// DNS for that, and compares its clock with nothing but the time of the last look. Notes which
/// keys are used. For one thread, which is never kept waiting; borrows all.
class KeyStateWatch {
 public:
  KeyStateWatch(RuntimeHolder& runtimes, Logger& logger, Metrics& metrics, std::size_t process);

  enum class Found : std::uint8_t {
    nothing,
    unread_keys,  // one should sign that the configuration did not have when it was read
  };
  /// To be called often: looks every few seconds.
  Found look(std::chrono::steady_clock::time_point now);
  /// Writes down which keys have been used.
  void note_uses();

 private:
  using Clock = std::chrono::steady_clock;
  using Loaded = std::shared_ptr<const Runtime>;

  /// Whether a file has been replaced since the last look, made or removed.
  bool directory_changed(const std::filesystem::path& directory);
  void take_over(const Loaded& loaded);
  /// Of states that are new, whoever has read them.
  void tell_of(const Runtime& runtime);
  void say_what_changed(const KeyStates* before, const KeyStates& now);
  void count(const KeyStates& states);
  void warn_of_old_looks(const KeyStates& states, const Config& config);

  RuntimeHolder& runtimes_;
  Logger& logger_;
  Metrics& metrics_;
  const std::size_t process_;
  std::future<Loaded> loading_;
  Loaded loading_from_;
  std::shared_ptr<const KeyStates> told_;
  std::filesystem::file_time_type seen_{};
  int looks_to_come_ = 1;  // although the directory's time is the same: it is not exact
  Clock::time_point next_look_;
  Clock::time_point next_minute_;
  Clock::time_point next_warning_;
  std::string asked_for_;  // the keys that a reload has been asked for
  KeyStateFiles::Uses uses_;
  bool uses_read_ = false;
  bool uses_failed_ = false;
};

}  // namespace authmilter
