#include "output/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

using namespace std::chrono_literals;

// Not more often than people can read.
constexpr auto kTerminalPause = 100ms;
constexpr auto kLinePause = 10s;

std::size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::uint64_t percent_of(std::uint64_t done, std::uint64_t all) {
  return all == 0 ? 100 : std::min(done, all) * 100 / all;
}

}  // namespace

std::string progress_bar(std::uint64_t done, std::uint64_t all, std::string_view words,
                         std::size_t columns) {
  constexpr std::size_t kLongest = 40;
  const std::uint64_t percent = percent_of(done, all);
  const std::string text = fmt::format(" {:3}%  {}", percent, words);
  // One column stays free, or some terminals begin a new line.
  if (columns < text.size() + 6) return text.substr(0, columns > 0 ? columns - 1 : 0);
  const std::size_t length = std::min(columns - text.size() - 3, kLongest);
  const std::size_t full = length * percent / 100;
  return "[" + std::string(full, '#') + std::string(length - full, '-') + "]" + text;
}

std::string pace_words(std::uint64_t done, std::uint64_t left, std::chrono::duration<double> time) {
  if (done == 0 || time.count() <= 0) return "";
  const double pace = static_cast<double>(done) / time.count();
  const auto seconds = static_cast<std::uint64_t>(static_cast<double>(left) / pace + 0.5);
  const std::string rest = seconds < 120    ? fmt::format("{} s", seconds)
                           : seconds < 7200 ? fmt::format("{} min", (seconds + 30) / 60)
                                            : fmt::format("{} h", (seconds + 1800) / 3600);
  return fmt::format(", {:.{}f} a second, {} left", pace, pace < 10 ? 1 : 0, rest);
}

Progress::Progress(std::string what, Pace pace)
    : what_(std::move(what)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + (terminal_ ? 500ms : kLinePause)),
      pace_(pace) {}

Progress::~Progress() { wipe(); }

void Progress::at(std::uint64_t done, std::uint64_t all) {
  if (!begun_) begun_ = {done, Clock::now()};
  if (!is_due()) return;
  const std::string pace = pace_ == Pace::told
                               ? pace_words(done - begun_->first, all - std::min(done, all),
                                            Clock::now() - begun_->second)
                               : "";
  draw(done, all, fmt::format("{} of {} {}{}", done, all, what_, pace));
}

void Progress::at(std::uint64_t done, std::uint64_t all, std::uint64_t counted) {
  if (is_due()) draw(done, all, fmt::format("{} {}", counted, what_));
}

bool Progress::is_due() {
  const auto now = Clock::now();
  if (now < next_) return false;
  next_ = now + (terminal_ ? kTerminalPause : kLinePause);
  return true;
}

void Progress::draw(std::uint64_t done, std::uint64_t all, const std::string& words) {
  if (!terminal_) {
    fmt::print(stderr, "authmilter: {}\n", words);
    return;
  }
  const std::string line = all == 0 ? words : progress_bar(done, all, words, columns());
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::wipe() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace authmilter::tools
