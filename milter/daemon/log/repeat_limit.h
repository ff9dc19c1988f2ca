#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace authmilter {

/// Decides which of many equal lines are worth writing: the first few of each minute. A sender that
/// can provoke an error must not be able to fill the disk with it. Not thread-safe.
class RepeatLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Verdict {
    bool write = false;
    std::size_t held_back = 0;  // equal lines left out before this one
  };
  Verdict check(std::string_view line, Time now);

 private:
  struct Count {
    Time since;
    std::size_t written = 0;
    std::size_t held_back = 0;
  };
  std::map<std::string, Count, std::less<>> counts_;
};

}  // namespace authmilter
