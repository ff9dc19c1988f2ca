#pragma once

#include <csignal>

namespace authmilter {

/// SIGHUP, SIGUSR1, SIGTERM and SIGINT: those that the daemon takes for itself.
///
/// libmilter has a thread that waits for the same ones, and stops the milter on SIGHUP. Which of
/// two waiting threads gets a signal cannot be known, so this file replaces the C library's
/// sigwait(), which nobody but libmilter calls, for the whole process: by one that never returns
/// these.
sigset_t our_signals();

}  // namespace authmilter
