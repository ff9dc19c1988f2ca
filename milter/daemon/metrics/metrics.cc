#include "metrics/metrics.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <numeric>

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

std::uint64_t Metrics::Histogram::total() const {
  std::uint64_t sum = 0;
  for (const Count& bucket : buckets) sum += bucket;
  return sum;
}

std::optional<double> Metrics::Histogram::quantile(double share) const {
  // Others count meanwhile.
  std::array<double, kBounds.size() + 1> counts{};
  std::transform(buckets.begin(), buckets.end(), counts.begin(),
                 [](const Count& bucket) { return static_cast<double>(bucket.load()); });
  const double all = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (all == 0) return std::nullopt;
  const double rank = share * all;
  double below = 0;
  double lower = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    const double bound = std::chrono::duration<double>(kBounds[i]).count();
    if (below + counts[i] >= rank) return lower + (bound - lower) * (rank - below) / counts[i];
    below += counts[i];
    lower = bound;
  }
  return lower;
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
