#pragma once

#include <pthread.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace authmilter {

/// When the file of a signing key was last written, in seconds since 1970.
struct KeyTime {
  std::string domain;
  std::string selector;
  std::int64_t written = 0;
  bool operator==(const KeyTime&) const = default;
};

/// The times of the keys in force, for the metrics. Lives in memory that processes share: each that
/// has loaded keys stores them, and they all load the same. Thread-safe.
class KeyTimes {
 public:
  KeyTimes();
  KeyTimes(const KeyTimes&) = delete;
  KeyTimes& operator=(const KeyTimes&) = delete;

  /// Keeps as many as have room: more than a thousand of usual names.
  void store(const std::vector<KeyTime>& keys);
  std::vector<KeyTime> load() const;

 private:
  class Lock;

  mutable pthread_mutex_t mutex_;
  std::size_t size_ = 0;
  std::array<char, 64UL * 1024> text_{};  // lines of "domain selector time"
};

}  // namespace authmilter
