#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <unbound-event.h>

namespace authmilter {

/// The event loop that libunbound's sockets and timers run on. Everything but wake() belongs to
/// one thread. Must outlive the contexts that were made with base().
class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;

  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  ub_event_base* base() { return &base_; }

  /// Waits for events until one comes, wake() is called or `until` is reached, and runs their
  /// callbacks.
  void run_once(Clock::time_point until);

  /// Ends the wait of run_once(), now or when it begins. From any thread.
  void wake() noexcept;

 private:
  struct Base : ub_event_base {
    EventLoop* loop = nullptr;
  };
  struct Event;
  struct Hooks;
  using Serial = std::uint64_t;

  int activate(Event& event, const timeval* timeout);
  void deactivate(Event& event);
  void fire(Serial serial, short bits);
  int poll_timeout(Clock::time_point until) const;

  Base base_;
  ub_event_base_vmt base_vmt_{};
  ub_event_vmt event_vmt_{};
  int wake_fd_ = -1;
  Serial last_serial_ = 0;
  // A callback may delete any event, so what is ready is remembered by serial, not by address.
  std::map<Serial, Event*> active_;
  std::set<std::pair<Clock::time_point, Serial>> timers_;
};

}  // namespace authmilter
