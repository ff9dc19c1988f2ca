#include "dns/answer_cache.h"

#include <algorithm>
#include <functional>

namespace authmilter {
namespace {

using std::chrono::seconds;

// A prefetched answer has to last until the message in hand asks for it, TTL 0 or not.
constexpr seconds kShortest{5};
constexpr seconds kLongest{86'400};
constexpr seconds kLongestNegative{3600};  // RFC 2308 section 5 advises one to three hours
// RFC 2308 section 7.1 allows up to five minutes. Long enough that a burst of mail does not hammer
// a broken server, short enough that the sender's next attempt is not told the old failure.
constexpr seconds kTempError{2};

constexpr std::size_t kOctetsPerEntry = 1024;

seconds time_kept(const DnsAnswer& answer) {
  switch (answer.status) {
    case DnsStatus::success:
      return std::clamp(answer.ttl, kShortest, kLongest);
    case DnsStatus::no_data:
    case DnsStatus::nxdomain:
      return std::clamp(answer.ttl, kShortest, kLongestNegative);
    case DnsStatus::temperror:
      return kTempError;
  }
  return kTempError;
}

std::size_t octets_of(const DnsQuestion& question, const DnsAnswer& answer) {
  std::size_t octets = sizeof(DnsAnswer) + 2 * question.name.text().size();
  octets += answer.addresses.capacity() * sizeof(IpAddress);
  for (const auto& mx : answer.exchanges) octets += sizeof mx + mx.exchange.text().size();
  for (const auto& name : answer.names) octets += sizeof name + name.text().size();
  for (const auto& text : answer.texts) octets += sizeof text + text.size();
  return octets;
}

}  // namespace

AnswerCache::AnswerCache(std::size_t entries)
    : shard_entries_(std::max<std::size_t>(1, entries / kShards)),
      shard_octets_(shard_entries_ * kOctetsPerEntry) {}

void AnswerCache::Shard::drop(Recency::iterator entry) {
  octets -= entry->octets;
  entries.erase(entry->question);
  recency.erase(entry);
}

Locked<AnswerCache::Shard>& AnswerCache::shard(const DnsQuestion& question) {
  return shards_[std::hash<std::string>()(question.name.text()) % kShards];
}

DnsAnswerRef AnswerCache::find(const DnsQuestion& question, TimePoint now) {
  return shard(question).with([&](Shard& shard) -> DnsAnswerRef {
    const auto found = shard.entries.find(question);
    if (found == shard.entries.end()) return nullptr;
    if (found->second->expires <= now) {
      shard.drop(found->second);
      return nullptr;
    }
    shard.recency.splice(shard.recency.begin(), shard.recency, found->second);
    return found->second->answer;
  });
}

void AnswerCache::store(const DnsQuestion& question, DnsAnswerRef answer, TimePoint now) {
  const std::size_t octets = octets_of(question, *answer);
  const auto expires = now + time_kept(*answer);
  shard(question).with([&](Shard& shard) {
    if (const auto old = shard.entries.find(question); old != shard.entries.end())
      shard.drop(old->second);
    // A single answer may be larger than the share; it is kept alone.
    while (!shard.recency.empty() &&
           (shard.recency.size() >= shard_entries_ || shard.octets + octets > shard_octets_))
      shard.drop(std::prev(shard.recency.end()));
    shard.recency.push_front({question, std::move(answer), expires, octets});
    shard.entries.emplace(question, shard.recency.begin());
    shard.octets += octets;
  });
}

std::size_t AnswerCache::size() {
  std::size_t size = 0;
  for (auto& shard : shards_)
    size += shard.with([](const Shard& locked) { return locked.recency.size(); });
  return size;
}

}  // namespace authmilter
