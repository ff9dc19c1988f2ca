#include "dns/unbound/event_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <optional>
#include <system_error>

namespace authmilter {

struct EventLoop::Event : ub_event {
  EventLoop* loop = nullptr;
  int fd = -1;
  short bits = 0;
  void (*callback)(int, short, void*) = nullptr;
  void* argument = nullptr;
  Serial serial = 0;  // 0: not active
  std::optional<Clock::duration> interval;
  Clock::time_point expires;
};

/// What libunbound calls; the meaning is libevent's.
struct EventLoop::Hooks {
  static Event& of(ub_event* event) { return *static_cast<Event*>(event); }

  static void ignore_base(ub_event_base*) noexcept {}
  static int refuse_dispatch(ub_event_base*) noexcept { return -1; }
  static int refuse_exit(ub_event_base*, timeval*) noexcept { return -1; }
  static ub_event* refuse_signal(ub_event_base*, int, void (*)(int, short, void*), void*) noexcept {
    return nullptr;
  }
  static ub_event* refuse_wsaevent(ub_event_base*, void*, void (*)(int, short, void*),
                                   void*) noexcept {
    return nullptr;
  }

  static ub_event* make(ub_event_base* base, int fd, short bits,
                        void (*callback)(int, short, void*), void* argument) noexcept {
    auto* loop = static_cast<Base*>(base)->loop;
    auto* event = new (std::nothrow) Event;  // libunbound's, until it calls destroy()
    if (event == nullptr) return nullptr;
    event->magic = UB_EVENT_MAGIC;
    event->vmt = &loop->event_vmt_;
    event->loop = loop;
    event->fd = fd;
    event->bits = bits;
    event->callback = callback;
    event->argument = argument;
    return event;
  }
  static void destroy(ub_event* event) noexcept {
    if (event == nullptr) return;
    of(event).loop->deactivate(of(event));
    delete &of(event);
  }

  static void add_bits(ub_event* event, short bits) noexcept {
    of(event).bits = static_cast<short>(of(event).bits | bits);
  }
  static void remove_bits(ub_event* event, short bits) noexcept {
    of(event).bits = static_cast<short>(of(event).bits & ~bits);
  }
  static void set_fd(ub_event* event, int fd) noexcept { of(event).fd = fd; }

  static int add(ub_event* event, timeval* timeout) noexcept {
    try {
      return of(event).loop->activate(of(event), timeout);
    } catch (...) {
      return -1;
    }
  }
  static int remove(ub_event* event) noexcept {
    of(event).loop->deactivate(of(event));
    return 0;
  }
  static int add_timer(ub_event* event, ub_event_base*, void (*callback)(int, short, void*),
                       void* argument, timeval* timeout) noexcept {
    of(event).callback = callback;
    of(event).argument = argument;
    of(event).bits = UB_EV_TIMEOUT;
    return add(event, timeout);
  }
  static int refuse_add_signal(ub_event*, timeval*) noexcept { return -1; }
  static int refuse_remove_signal(ub_event*) noexcept { return -1; }
  static void ignore_wsaevent(ub_event*) noexcept {}
  static void ignore_wouldblock(ub_event*, int) noexcept {}
};

EventLoop::EventLoop() : wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  base_vmt_ = {Hooks::ignore_base, Hooks::refuse_dispatch, Hooks::refuse_exit,
               Hooks::make,        Hooks::refuse_signal,   Hooks::refuse_wsaevent};
  event_vmt_ = {Hooks::add_bits,
                Hooks::remove_bits,
                Hooks::set_fd,
                Hooks::destroy,
                Hooks::add,
                Hooks::remove,
                Hooks::add_timer,
                Hooks::remove,
                Hooks::refuse_add_signal,
                Hooks::refuse_remove_signal,
                Hooks::ignore_wsaevent,
                Hooks::ignore_wouldblock};
  base_.magic = UB_EVENT_MAGIC;
  base_.vmt = &base_vmt_;
  base_.loop = this;
}

EventLoop::~EventLoop() { close(wake_fd_); }

int EventLoop::activate(Event& event, const timeval* timeout) {
  if (event.serial != 0 && event.interval) timers_.erase({event.expires, event.serial});
  if (event.serial == 0) {
    event.serial = ++last_serial_;
    active_.emplace(event.serial, &event);
  }
  event.interval.reset();
  if (timeout == nullptr) return 0;
  event.interval =
      std::chrono::seconds(timeout->tv_sec) + std::chrono::microseconds(timeout->tv_usec);
  event.expires = Clock::now() + *event.interval;
  timers_.emplace(event.expires, event.serial);
  return 0;
}

void EventLoop::deactivate(Event& event) {
  if (event.serial == 0) return;
  if (event.interval) timers_.erase({event.expires, event.serial});
  active_.erase(event.serial);
  event.serial = 0;
}

void EventLoop::fire(Serial serial, short bits) {
  const auto found = active_.find(serial);
  if (found == active_.end()) return;
  Event& event = *found->second;
  if ((event.bits & UB_EV_PERSIST) == 0) {
    deactivate(event);
  } else if (event.interval) {
    timers_.erase({event.expires, event.serial});
    event.expires = Clock::now() + *event.interval;
    timers_.emplace(event.expires, event.serial);
  }
  event.callback(event.fd, bits, event.argument);  // `event` may be gone now
}

int EventLoop::poll_timeout(Clock::time_point until) const {
  constexpr auto kLongest = std::chrono::milliseconds(60'000);
  if (!timers_.empty()) until = std::min(until, timers_.begin()->first);
  const auto now = Clock::now();
  if (until <= now) return 0;
  if (until - now >= kLongest) return kLongest.count();
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count());
}

void EventLoop::run_once(Clock::time_point until) {
  std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
  std::vector<Serial> serials{0};
  for (const auto& [serial, event] : active_) {
    const bool reads = (event->bits & UB_EV_READ) != 0;
    const bool writes = (event->bits & UB_EV_WRITE) != 0;
    if (event->fd < 0 || (!reads && !writes)) continue;
    fds.push_back(
        {event->fd, static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0});
    serials.push_back(serial);
  }

  const int ready = poll(fds.data(), fds.size(), poll_timeout(until));
  if (ready > 0 && fds[0].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(wake_fd_, &count, sizeof count);
  }
  for (std::size_t i = 1; ready > 0 && i < fds.size(); ++i) {
    const short seen = fds[i].revents;
    if (seen == 0) continue;
    // An error is told to whoever waits for anything, who finds it when reading or writing.
    const bool failed = (seen & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    short bits = 0;
    if ((fds[i].events & POLLIN) != 0 && (failed || (seen & POLLIN) != 0)) bits |= UB_EV_READ;
    if ((fds[i].events & POLLOUT) != 0 && (failed || (seen & POLLOUT) != 0)) bits |= UB_EV_WRITE;
    fire(serials[i], bits);
  }

  std::vector<Serial> due;
  const auto now = Clock::now();
  for (const auto& [expires, serial] : timers_) {
    if (expires > now) break;
    due.push_back(serial);
  }
  for (const Serial serial : due) {
    // A callback before this one may have set the timer anew.
    const auto found = active_.find(serial);
    if (found == active_.end() || !found->second->interval || found->second->expires > now)
      continue;
    fire(serial, UB_EV_TIMEOUT);
  }
}

void EventLoop::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);
}

}  // namespace authmilter
