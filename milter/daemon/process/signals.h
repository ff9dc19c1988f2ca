#pragma once

#include <chrono>

namespace authmilter {

/// What a signal to the daemon means.
enum class SignalEvent { reload, stop, tick };

/// Keeps SIGHUP, SIGUSR1, SIGTERM and SIGINT for wait_for_signal(). Before any thread starts: they
/// inherit it.
void block_signals();

/// Waits for SIGHUP or SIGUSR1 (reload), or SIGTERM or SIGINT (stop); `tick` when none came in
/// time. One thread calls it; libmilter's, which waits for the same ones, is kept from them.
SignalEvent wait_for_signal(std::chrono::milliseconds timeout);

}  // namespace authmilter
