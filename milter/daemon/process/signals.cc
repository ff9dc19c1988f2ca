#include "process/signals.h"

#include <cerrno>
#include <csignal>
#include <ctime>

namespace authmilter {
namespace {

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGUSR1, SIGTERM, SIGINT}) sigaddset(&set, signal);
  return set;
}

}  // namespace

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

/// Takes the place of the C library's: the program's own symbol comes first when libmilter's is
/// resolved, whether libmilter is shared or static.
extern "C" __attribute__((visibility("default"))) int sigwait(const sigset_t* set, int* signal) {
  sigset_t others = *set;
  for (const int ours : {SIGHUP, SIGUSR1, SIGTERM, SIGINT}) sigdelset(&others, ours);
  for (;;) {
    // With nothing left to wait for this sleeps as long as the process lives.
    const int got = sigwaitinfo(&others, nullptr);
    if (got > 0) {
      *signal = got;
      return 0;
    }
    if (errno != EINTR) return errno;
  }
}
