#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <authmilter/config.h>

namespace authmilter {

/// `key=value` of a log line. Values may be anything: what is not plain is quoted and escaped.
struct LogField {
  std::string_view key;  // a literal
  std::variant<std::string, std::int64_t> value;
};
using LogFields = std::vector<LogField>;

struct LogLine {
  LogLevel level = LogLevel::info;
  std::chrono::system_clock::time_point time;
  std::string text;  // may be empty
  LogFields fields;
};

/// Writes lines from a thread of its own, in their order. A log that is slow, or takes nothing at
/// all (a pipe that nobody reads, a journal that has stopped), holds up no mail: lines above a
/// limit are lost, and a line says how many. Thread-safe.
class LogWriter {
 public:
  using Put = std::function<void(const LogLine&)>;
  static constexpr std::size_t kLines = 1000;
  /// Lines of the level debug have this much of it, so that they push no other lines out.
  static constexpr std::size_t kDebugLines = kLines / 2;

  /// `put` writes one line and may wait. It must not depend on anything that ends with this object:
  /// a line that hangs is left behind.
  explicit LogWriter(Put put);
  /// Waits for the lines that are left, but not for ever.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void write(LogLine line);
  /// Waits until all lines are written; false when they were not in time.
  bool flush(std::chrono::milliseconds patience);

 private:
  struct Lines;
  static void run(Lines& lines, const Put& put) noexcept;

  std::shared_ptr<Lines> lines_;
};

}  // namespace authmilter
