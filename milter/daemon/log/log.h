#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <authmilter/config.h>

#include "log/log_writer.h"
#include "log/repeat_limit.h"

namespace authmilter {

/// `text key=value key="value with blanks"`; `text` may be empty.
std::string format_text(std::string_view text, const LogFields& fields);
/// One JSON object: time (RFC 3339, UTC), level, message unless empty, then the fields.
std::string format_json(LogLevel level, std::string_view text, const LogFields& fields,
                        std::chrono::system_clock::time_point now);
std::string_view to_string(LogLevel level);

/// Writes to the journal, syslog or standard error, from a thread of its own. Thread-safe; never
/// throws. Errors and warnings that repeat are held back after a few, and counted.
class Logger {
 public:
  explicit Logger(const LogConfig& config);
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  /// After a reload.
  void configure(const LogConfig& config);

  void error(std::string_view text, const LogFields& fields = {}) noexcept;
  void warning(std::string_view text, const LogFields& fields = {}) noexcept;
  void info(std::string_view text, const LogFields& fields = {}) noexcept;
  void debug(std::string_view text, const LogFields& fields = {}) noexcept;
  /// The line that every message gets, never held back.
  void message(const LogFields& fields) noexcept;

  /// Waits a moment for what is not written yet; before the process ends without destructors.
  void flush() noexcept;

 private:
  struct Output;
  enum class Repeats { hold_back, keep };
  void write(LogLevel level, Repeats repeats, std::string_view text,
             const LogFields& fields) noexcept;
  void emit(LogLevel level, std::string_view text, const LogFields& fields);

  std::shared_ptr<Output> output_;
  std::atomic<LogLevel> level_;
  std::mutex mutex_;
  RepeatLimit repeats_;  // under mutex_
  LogWriter writer_;
};

}  // namespace authmilter
