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
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < count;) work(i);
  };
  const std::size_t threads = std::min(
      {count / kWorthAThread, std::size_t{std::thread::hardware_concurrency()}, kMostThreads});
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
