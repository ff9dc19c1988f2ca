#pragma once

#include <chrono>

#include <event2/event.h>

#include "base/c_handle.h"
#include "base/descriptor.h"

namespace authmilter {

/// The event loop that libunbound's sockets and timers run on. Everything but wake() belongs to
/// one thread. Must outlive the contexts that were made with base().
class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws std::system_error, also where descriptors are so few that libunbound's sockets would
  /// have none.
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  event_base* base() { return base_.get(); }

  /// Waits for events until one comes, wake() is called or `until` is reached, and runs their
  /// callbacks. May return early.
  void run_once(Clock::time_point until);

  /// Ends the wait of run_once(), now or when it begins. From any thread.
  void wake() noexcept;

 private:
  Descriptor wake_;  // libevent takes locks, and needs another library for them, to be woken itself
  CHandle<event_base, event_base_free> base_;
  CHandle<event, event_free> woken_;
  CHandle<event, event_free> end_of_wait_;
};

}  // namespace authmilter
