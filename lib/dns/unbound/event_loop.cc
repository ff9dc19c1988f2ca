#include "dns/unbound/event_loop.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <mutex>
#include <new>
#include <system_error>

#include <fmt/format.h>

namespace authmilter {
namespace {

/// libevent warns on stderr of calls that failed; whoever made the event finds that out as well.
/// Only what it gives up over is worth a line: with it the process ends.
void write_error(int severity, const char* text) {
  if (severity == EVENT_LOG_ERR) fmt::print(stderr, "libevent: {}\n", text);
}

/// Instead of exit(), which would run destructors beneath the other threads.
[[noreturn]] void give_up(int) { std::abort(); }

int checked(int descriptor) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "event loop");
  return descriptor;
}

bool has_descriptors(int any) {
  constexpr std::size_t kSpare = 32;
  std::list<Descriptor> spare;
  while (spare.size() < kSpare) {
    spare.emplace_back(fcntl(any, F_DUPFD_CLOEXEC, 0));
    if (!spare.back().open()) return false;
  }
  return true;
}

/// libevent gives up (2.1.12: evsig_init_()) where it has no descriptors for a base. It needs
/// three; the others are for what other threads open between this check and its call.
event_base* make_base(int any_descriptor) {
  static std::once_flag once;
  std::call_once(once, [] {
    event_set_log_callback(write_error);
    event_set_fatal_callback(give_up);
  });
  if (!has_descriptors(any_descriptor))
    throw std::system_error(EMFILE, std::generic_category(), "event loop");
  event_base* const base = event_base_new();
  if (base == nullptr) throw std::bad_alloc();
  return base;
}

event* checked(event* made) {
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

void take_count(int descriptor, short, void*) {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(descriptor, &count, sizeof count);
}

void end_wait(int, short, void*) {}

}  // namespace

EventLoop::EventLoop()
    : wake_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))),
      base_(make_base(wake_.get())),
      woken_(
          checked(event_new(base_.get(), wake_.get(), EV_READ | EV_PERSIST, take_count, nullptr))),
      end_of_wait_(checked(event_new(base_.get(), -1, 0, end_wait, nullptr))) {
  if (event_add(woken_.get(), nullptr) != 0) throw std::bad_alloc();
}

void EventLoop::run_once(Clock::time_point until) {
  using namespace std::chrono;
  const auto now = Clock::now();
  const auto wait = ceil<microseconds>(std::max(until, now) - now);
  const auto whole = floor<seconds>(wait);
  const timeval limit{whole.count(), (wait - whole).count()};
  if (event_add(end_of_wait_.get(), &limit) != 0) throw std::bad_alloc();
  event_base_loop(base_.get(), EVLOOP_ONCE);
}

void EventLoop::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof one);
}

}  // namespace authmilter
