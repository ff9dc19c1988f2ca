#pragma once

#include <chrono>

namespace authmilter {

/// What a signal to the daemon means.
enum class SignalEvent { reload, stop, tick };

/// Keeps SIGHUP, SIGUSR1, SIGTERM and SIGINT for wait_for_signal(). Before any thread starts: they
/// inherit it.
void block_signals();

/// Waits for SIGHUP or SIGUSR1 (reload), or SIGTERM or SIGINT (stop); `tick` when none came in
/// time. One thread calls it.
///
/// libmilter has a thread that waits for the same signals, and stops the milter on SIGHUP. Which of
/// two waiting threads gets a signal cannot be known, so this file replaces the C library's
/// sigwait() for the whole process, by one that never returns ours.
SignalEvent wait_for_signal(std::chrono::milliseconds timeout);

}  // namespace authmilter
