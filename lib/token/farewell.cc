#include "token/farewell.h"

#include <atomic>
#include <future>
#include <system_error>
#include <utility>

#include <authmilter/token_health.h>

namespace authmilter {
namespace {

std::atomic<bool> some_hang = false;

}  // namespace

void abandon(std::thread thread) {
  some_hang = true;
  thread.detach();
}

bool token_threads_hang() { return some_hang; }

void call_or_abandon(std::function<void()> call) {
  std::packaged_task<void()> task(std::move(call));
  const auto done = task.get_future();
  try {
    std::thread thread(std::move(task));
    if (done.wait_for(kFarewell) == std::future_status::ready) {
      thread.join();
    } else {
      abandon(std::move(thread));
    }
  } catch (const std::system_error&) {
    // There may be no more threads: the library ends with the process.
  }
}

}  // namespace authmilter
