#include "dns/unbound/answer_cache.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "dns/record_fields.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

// RFC 2181 section 8 leaves an upper bound to us. There is no lower one: RFC 1035 section 3.2.1, a
// TTL of zero is for the transaction in hand, and the message that asked keeps its answers itself.
constexpr seconds kLongest{86'400};
constexpr seconds kLongestNegative{3600};  // RFC 2308 section 5 advises one to three hours
// RFC 2308 section 7.1 allows up to five minutes. Long enough that a burst of mail does not hammer
// a broken server, short enough that the sender's next attempt is not told the old failure.
constexpr seconds kTempError{2};

// What the allocator adds to a block of memory.
constexpr std::size_t kBlock = 16;

seconds time_kept(const DnsAnswer& answer) {
  switch (answer.status) {
    case DnsStatus::success:
      return std::min(answer.ttl, kLongest);
    case DnsStatus::no_data:
    case DnsStatus::nxdomain:
      return std::min(answer.ttl, kLongestNegative);
    case DnsStatus::temperror:
      return kTempError;
  }
  return kTempError;
}

/// A text's own block, where it is too long to be held in the object.
std::size_t block_of(const std::string& text) {
  return text.capacity() < sizeof(std::string) / 2 ? 0 : text.capacity() + 1 + kBlock;
}

/// What the fields of a record hold outside of it.
struct HeldOctets {
  std::size_t octets = 0;

  void number(unsigned, std::string_view) {}
  void algorithm(std::uint8_t) {}
  void seconds(std::uint32_t) {}
  void name(const DnsName& name) { octets += block_of(name.text()); }
  void mailbox() {}
  void v4(const IpAddress&) {}
  void v6(const IpAddress&) {}
  void strings(const std::string& text) { octets += block_of(text); }
  void tag(const std::string& text) { octets += block_of(text); }
  void rest(const std::string& text) { octets += block_of(text); }
  void hexadecimal(const std::vector<std::uint8_t>& data) { octets += data.capacity() + kBlock; }
  void base64(const std::vector<std::uint8_t>& data) { hexadecimal(data); }
};

/// Of an entry: the answer with its count of owners, and what both containers keep.
std::size_t octets_of(const DnsQuestion& question, const DnsAnswer& answer,
                      std::size_t of_containers) {
  HeldOctets held{of_containers + 2 * block_of(question.name.text())};
  held.octets += sizeof(DnsAnswer) + 4 * kBlock;
  held.octets += answer.records.capacity() * sizeof(DnsRecord);
  for (const DnsRecord& record : answer.records) visit_fields(record, held);
  return held.octets;
}

}  // namespace

AnswerCache::AnswerCache(std::size_t octets) : shard_octets_(octets / kShards) {}

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
  // Of each: a node with its links, and the pair that it holds.
  constexpr std::size_t kContainers =
      sizeof(Entry) + sizeof(std::pair<DnsQuestion, void*>) + 6 * sizeof(void*) + 2 * kBlock;
  const std::size_t octets = octets_of(question, *answer, kContainers);
  const auto kept = time_kept(*answer);
  const auto expires = now + kept;
  shard(question).with([&](Shard& shard) {
    if (const auto old = shard.entries.find(question); old != shard.entries.end())
      shard.drop(old->second);
    if (kept <= seconds::zero() || octets > shard_octets_) return;
    while (!shard.recency.empty() && shard.octets + octets > shard_octets_)
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

std::size_t AnswerCache::octets() {
  std::size_t octets = 0;
  for (auto& shard : shards_)
    octets += shard.with([](const Shard& locked) { return locked.octets; });
  return octets;
}

}  // namespace authmilter
