#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace authmilter {

/// What a library of a token is given to come to an end.
inline constexpr std::chrono::milliseconds kFarewell{500};

/// Leaves a thread alone that hangs in a library; see token_threads_hang(). Thread-safe.
void abandon(std::thread thread);

/// A last call into a library, on a thread of its own, which is abandoned where it hangs.
void call_or_abandon(std::function<void()> call);

}  // namespace authmilter
