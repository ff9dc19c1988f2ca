#include "log/log_writer.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace authmilter {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 1s;

LogLine lines_lost(std::size_t count) {
  return {.level = LogLevel::warning,
          .time = std::chrono::system_clock::now(),
          .text = "log lines lost",
          .fields = {{"count", static_cast<std::int64_t>(count)}}};
}

}  // namespace

/// What the thread and the object share; whichever ends last frees it.
struct LogWriter::Lines {
  /// Says how many lines are missing, where they are. Under `mutex`.
  void note_lost() {
    if (lost == 0) return;
    waiting.push_back(lines_lost(lost));
    lost = 0;
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<LogLine> waiting;
  std::size_t lost = 0;
  bool writing = false;
  bool closed = false;
};

LogWriter::LogWriter(Put put) : lines_(std::make_shared<Lines>()) {
  std::thread([lines = lines_, put = std::move(put)] { run(*lines, put); }).detach();
}

LogWriter::~LogWriter() {
  flush(kPatience);
  const std::lock_guard lock(lines_->mutex);
  lines_->closed = true;
  lines_->changed.notify_all();
}

void LogWriter::write(LogLine line) {
  const std::lock_guard lock(lines_->mutex);
  if (lines_->waiting.size() >= (line.level == LogLevel::debug ? kDebugLines : kLines)) {
    ++lines_->lost;
    return;
  }
  lines_->note_lost();
  lines_->waiting.push_back(std::move(line));
  lines_->changed.notify_all();
}

bool LogWriter::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(lines_->mutex);
  return lines_->changed.wait_for(lock, patience,
                                  [this] { return lines_->waiting.empty() && !lines_->writing; });
}

void LogWriter::run(Lines& lines, const Put& put) noexcept {
  std::unique_lock lock(lines.mutex);
  for (;;) {
    lines.changed.wait(lock, [&] { return lines.closed || !lines.waiting.empty(); });
    if (lines.waiting.empty()) return;
    try {
      const LogLine line = std::move(lines.waiting.front());
      lines.waiting.pop_front();
      lines.writing = true;
      lock.unlock();
      put(line);
      lock.lock();
      if (lines.waiting.empty()) lines.note_lost();
    } catch (const std::exception&) {
      // Out of memory: the line is lost.
      if (!lock.owns_lock()) lock.lock();
    }
    lines.writing = false;
    lines.changed.notify_all();
  }
}

}  // namespace authmilter
