#include "metrics/process_metrics.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <vector>

namespace authmilter {
namespace {

using namespace std::chrono_literals;

// With many connections it takes milliseconds to go through the list of descriptors.
constexpr auto kDescriptorPause = 5s;

std::uint64_t unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

// More than there is room for in KeyTimes.
constexpr std::size_t kMostKeyTimes = 4096;

std::vector<KeyTime> times_of(const KeyRing& keys) {
  std::vector<KeyTime> times;
  for (const KeyRing::KeyFileOf& key : keys.key_files(kMostKeyTimes)) {
    struct stat file {};
    if (stat(key.path.c_str(), &file) != 0) continue;
    times.push_back({key.domain.text(), key.selector.text(), file.st_mtime});
  }
  return times;
}

/// 0 when there is no /proc.
std::uint64_t count_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator entries("/proc/self/fd", error);
  std::uint64_t count = 0;
  for (auto entry = begin(entries); !error && entry != end(entries); entry.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // one is the folder's own
}

}  // namespace

void ProcessMetrics::configured(const Runtime& runtime) {
  process_.monitor_mode = runtime.config().verify.mode == VerifyMode::monitor ? 1 : 0;
  process_.last_reload_good = 1;
  process_.last_good_time = unix_time();
  process_.signing_faults = runtime.keys().faults().size();
  metrics_.keys.store(times_of(runtime.keys()));
}

void ProcessMetrics::reloaded(const Runtime& runtime) {
  Metrics::add(process_.good_reloads);
  configured(runtime);
}

void ProcessMetrics::reload_failed() {
  Metrics::add(process_.bad_reloads);
  process_.last_reload_good = 0;
}

void ProcessMetrics::tokens(const TokenHealth& health) {
  for (std::size_t i = 0; i < health.failures.size(); ++i)
    Metrics::add(metrics_.token_failures[i], health.failures[i]);
  process_.unavailable_keys = health.unavailable_keys;
}

void ProcessMetrics::tick() {
  const auto now = std::chrono::steady_clock::now();
  if (now - counted_ < kDescriptorPause && process_.descriptor_limit != 0) return;
  counted_ = now;
  process_.open_descriptors = count_descriptors();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) process_.descriptor_limit = limit.rlim_cur;
}

}  // namespace authmilter
