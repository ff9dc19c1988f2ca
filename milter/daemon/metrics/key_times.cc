#include "metrics/key_times.h"

#include <algorithm>
#include <cerrno>
#include <sstream>

#include <fmt/core.h>

namespace authmilter {

/// A process that dies with the lock leaves it to the next: at worst it finds fewer lines.
class KeyTimes::Lock {
 public:
  explicit Lock(pthread_mutex_t& mutex) : mutex_(mutex) {
    if (pthread_mutex_lock(&mutex_) == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
  }
  ~Lock() { pthread_mutex_unlock(&mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  pthread_mutex_t& mutex_;
};

KeyTimes::KeyTimes() {
  pthread_mutexattr_t attributes{};
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

void KeyTimes::store(const std::vector<KeyTime>& keys) {
  std::string lines;
  for (const KeyTime& key : keys) {
    const std::string line = fmt::format("{} {} {}\n", key.domain, key.selector, key.written);
    if (lines.size() + line.size() > text_.size()) break;
    lines += line;
  }
  const Lock lock(mutex_);
  size_ = 0;
  std::copy(lines.begin(), lines.end(), text_.begin());
  size_ = lines.size();
}

std::vector<KeyTime> KeyTimes::load() const {
  std::istringstream lines([&] {
    const Lock lock(mutex_);
    return std::string(text_.data(), size_);
  }());
  std::vector<KeyTime> keys;
  KeyTime key;
  while (lines >> key.domain >> key.selector >> key.written) keys.push_back(key);
  return keys;
}

}  // namespace authmilter
