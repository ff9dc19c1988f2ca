#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

namespace authmilter {

/// Calls `work` with each number below `count`, once, in as many threads as there are processors,
/// this one among them. What `work` throws arrives here, when all threads have ended.
template <class Work>
void for_each_in_parallel(std::size_t count, const Work& work) {
  constexpr std::size_t kWorthAThread = 16;
  constexpr std::size_t kMostThreads = 16;
  constexpr std::size_t kMostAtATime = 64;
  const std::size_t threads = std::min(
      {count / kWorthAThread, std::size_t{std::thread::hardware_concurrency()}, kMostThreads});
  // Of many, some at a time: what two threads write should not lie side by side.
  const std::size_t piece =
      std::clamp<std::size_t>(count / (16 * std::max<std::size_t>(threads, 1)), 1, kMostAtATime);
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t first; (first = next.fetch_add(piece)) < count;) {
      for (std::size_t i = first; i < std::min(first + piece, count); ++i) work(i);
    }
  };
  std::vector<std::future<void>> helpers;  // whose destructors wait
  try {
    while (helpers.size() + 1 < threads) helpers.push_back(std::async(std::launch::async, run));
  } catch (const std::system_error&) {
    // There may be no more threads: then it takes longer.
  }
  run();
  for (auto& helper : helpers) helper.get();
}

}  // namespace authmilter
