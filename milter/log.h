#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <authmilter/config.h>

#include "repeat_limit.h"

namespace authmilter {

/// `key=value` of a log line. Values may be anything: what is not plain is quoted and escaped.
struct LogField {
  std::string_view key;  // a literal
  std::variant<std::string, std::int64_t> value;
};
using LogFields = std::vector<LogField>;

/// `text key=value key="value with blanks"`; `text` may be empty.
std::string format_text(std::string_view text, const LogFields& fields);
/// One JSON object: time (RFC 3339, UTC), level, message unless empty, then the fields.
std::string format_json(LogLevel level, std::string_view text, const LogFields& fields,
                        std::chrono::system_clock::time_point now);
std::string_view to_string(LogLevel level);

/// Writes to the journal, syslog or standard error. Thread-safe; never throws. Errors and warnings
/// that repeat are held back after a few, and counted.
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

 private:
  enum class Repeats { hold_back, keep };
  void write(LogLevel level, Repeats repeats, std::string_view text,
             const LogFields& fields) noexcept;
  void emit(LogLevel level, std::string_view text, const LogFields& fields);

  std::atomic<LogTarget> target_;
  std::atomic<LogFormat> format_;
  std::atomic<LogLevel> level_;
  std::mutex mutex_;
  RepeatLimit repeats_;  // under mutex_
};

}  // namespace authmilter
