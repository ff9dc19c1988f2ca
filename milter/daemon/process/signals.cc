#include "process/signals.h"

#include <csignal>
#include <ctime>

#include "workarounds/sigwait.h"

namespace authmilter {

void block_signals() {
  const sigset_t set = our_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalEvent wait_for_signal(std::chrono::milliseconds timeout) {
  const sigset_t set = our_signals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec limit{
      .tv_sec = seconds.count(),
      .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(timeout - seconds).count()};
  switch (sigtimedwait(&set, nullptr, &limit)) {
    case SIGHUP:
    case SIGUSR1:
      return SignalEvent::reload;
    case SIGTERM:
    case SIGINT:
      return SignalEvent::stop;
    default:
      return SignalEvent::tick;
  }
}

}  // namespace authmilter
