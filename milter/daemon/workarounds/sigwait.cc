#include "workarounds/sigwait.h"

#include <cerrno>

namespace authmilter {
namespace {

constexpr int kOurs[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};

}  // namespace

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kOurs) sigaddset(&set, signal);
  return set;
}

}  // namespace authmilter

/// Takes the place of the C library's: the program's own symbol comes first when libmilter's is
/// resolved, whether libmilter is shared or static.
extern "C" __attribute__((visibility("default"))) int sigwait(const sigset_t* set, int* signal) {
  sigset_t others = *set;
  for (const int ours : authmilter::kOurs) sigdelset(&others, ours);
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
