#include "output/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto kTerminalPause = 100ms;
constexpr auto kLinePause = 10s;

std::size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

std::string progress_bar(std::size_t done, std::size_t all, const std::string& what,
                         std::size_t columns) {
  constexpr std::size_t kLongest = 40;
  const std::size_t percent = all == 0 ? 100 : std::min(done, all) * 100 / all;
  const std::string text = fmt::format(" {:3}%  {} of {} {}", percent, done, all, what);
  // One column stays free, or some terminals begin a new line.
  if (columns < text.size() + 6) return text.substr(0, columns > 0 ? columns - 1 : 0);
  const std::size_t length = std::min(columns - text.size() - 3, kLongest);
  const std::size_t full = length * percent / 100;
  return "[" + std::string(full, '#') + std::string(length - full, '-') + "]" + text;
}

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + (terminal_ ? 500ms : kLinePause)) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::at(std::size_t done, std::size_t all) {
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? kTerminalPause : kLinePause);
  if (terminal_) {
    drawn_ = true;
    fmt::print(stderr, "\r\x1b[K{}", progress_bar(done, all, what_, columns()));
    std::fflush(stderr);
  } else {
    fmt::print(stderr, "authmilter: {} of {} {}\n", done, all, what_);
  }
}

}  // namespace authmilter::tools
