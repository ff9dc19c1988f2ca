#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace authmilter::tools {

/// Makes a result of each item in `jobs` threads and takes the results in the order of the items,
/// one at a time. No more than `ahead` results wait for one that takes long. `next` ends with
/// nothing; when `take` gives false, or something is thrown, which arrives here, nothing more is
/// begun.
template <class Item, class Made>
void in_order(std::size_t jobs, std::size_t ahead, const std::function<std::optional<Item>()>& next,
              const std::function<Made(const Item&)>& make,
              const std::function<bool(Made&)>& take) {
  std::mutex mutex;
  std::condition_variable room;
  std::map<std::size_t, Made> waiting;
  std::size_t begun = 0, taken = 0;
  bool ended = false;

  const auto work = [&] {
    std::unique_lock lock(mutex);
    try {
      while (true) {
        room.wait(lock, [&] { return ended || begun - taken < ahead; });
        if (ended) return;
        const std::optional<Item> item = next();
        if (!item) return;
        const std::size_t place = begun++;
        lock.unlock();
        Made made = make(*item);
        lock.lock();
        waiting.emplace(place, std::move(made));
        for (auto first = waiting.begin();
             !ended && first != waiting.end() && first->first == taken;
             first = waiting.erase(first)) {
          ended = !take(first->second);
          ++taken;
        }
        room.notify_all();
      }
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      ended = true;
      room.notify_all();
      throw;
    }
  };
  std::vector<std::future<void>> threads;  // whose destructors wait
  for (std::size_t i = 0; i < jobs; ++i) threads.push_back(std::async(std::launch::async, work));
  for (auto& thread : threads) thread.get();
}

}  // namespace authmilter::tools
