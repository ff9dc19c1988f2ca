#include "report/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedraw = 100ms;
constexpr auto kLineEvery = 10s;
constexpr std::uint64_t kColumns = 30;

}  // namespace

Progress::Progress(std::string_view what, std::uint64_t total)
    : what_(what),
      total_(total),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kLineEvery))) {}

Progress::~Progress() { clear(); }

void Progress::at(std::uint64_t done, std::string_view words) {
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kLineEvery));
  // The total is a guess where files grow, and nothing is known of standard input.
  const std::uint64_t total = std::max(total_, done);
  const std::uint64_t percent = total == 0 ? 0 : done * 100 / total;
  const std::string share = total_ == 0 ? "" : fmt::format(" {:3} %", percent);
  if (!terminal_) {
    fmt::print(stderr, "authmilter: {}:{} {}\n", what_, share, words);
    return;
  }
  const std::uint64_t filled = total == 0 ? 0 : done * kColumns / total;
  const std::string bar = std::string(filled, '#') + std::string(kColumns - filled, '.');
  fmt::print(stderr, "\r{} [{}]{} {}\x1b[K", what_, bar, share, words);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace authmilter::tools
