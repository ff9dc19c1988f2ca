#include "metrics/metrics.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace authmilter {

Metrics* Metrics::make_shared() {
  void* memory =
      mmap(nullptr, sizeof(Metrics), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) Metrics;
}

std::uint64_t Metrics::messages_in_hand() const {
  std::uint64_t sum = 0;
  for (const Process& process : processes) sum += process.messages_in_hand;
  return sum;
}

void Metrics::Histogram::count(std::chrono::microseconds time) {
  // As Prometheus has it, a bound is part of its bucket.
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), time) - kBounds.begin();
  add(buckets[static_cast<std::size_t>(bucket)]);
  add(microseconds, static_cast<std::uint64_t>(std::max(time.count(), std::int64_t{0})));
}

void DnsMetrics::answered(const DnsAnswer& answer, std::chrono::microseconds after) noexcept {
  metrics_.dns_queries.count(after);
  if (answer.status == DnsStatus::temperror) Metrics::count(metrics_.dns_failures, answer.fault);
}

void DnsMetrics::overloaded(DnsShare share, const DnsClient& client) noexcept {
  Metrics::count(metrics_.dns_overloads, share);
  const std::lock_guard lock(mutex_);
  try {
    Overload& overload = overloads_.try_emplace(share, Overload{share, 0, {}}).first->second;
    ++overload.questions;
    overload.client = client.address();
  } catch (const std::bad_alloc&) {
    // It is counted; the log does without.
  }
}

std::vector<DnsMetrics::Overload> DnsMetrics::take_overloads() {
  const std::lock_guard lock(mutex_);
  std::vector<Overload> taken;
  for (const auto& [share, overload] : overloads_) taken.push_back(overload);
  overloads_.clear();
  return taken;
}

}  // namespace authmilter
