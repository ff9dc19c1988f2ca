#include "dns/unbound/answer_cache.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/held_octets.h"
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

/// What the fields of a record hold outside of it.
struct HeldOctets {
  std::size_t octets = 0;

  void number(unsigned, std::string_view) {}
  void algorithm(std::uint8_t) {}
  void seconds(std::uint32_t) {}
  void name(const DnsName& name) { octets += held_octets(name.text()); }
  void mailbox() {}
  void v4(const IpAddress&) {}
  void v6(const IpAddress&) {}
  void strings(const std::string& text) { octets += held_octets(text); }
  void tag(const std::string& text) { octets += held_octets(text); }
  void rest(const std::string& text) { octets += held_octets(text); }
  void hexadecimal(const std::vector<std::uint8_t>& data) { octets += held_octets(data); }
  void base64(const std::vector<std::uint8_t>& data) { hexadecimal(data); }
};

/// Of an answer with its count of owners, and with what its readers may put beside it.
std::size_t octets_of(const DnsAnswer& answer) {
  HeldOctets held{sizeof(DnsAnswer) + 2 * sizeof(void*) + kBlockOctets};
  held.octets += held_octets(answer.records) + answer.octets_for_forms();
  for (const DnsRecord& record : answer.records) visit_fields(record, held);
  return held.octets;
}

}  // namespace

AnswerCache::AnswerCache(std::size_t octets) : shard_octets_(octets / kShards) {}

bool AnswerCache::Order::operator()(const Key& a, const Key& b) const {
  return a.hash != b.hash ? a.hash < b.hash : a.question < b.question;
}

AnswerCache::Key AnswerCache::key_of(const DnsQuestion& question) {
  const std::size_t hash = std::hash<std::string>()(question.name.text());
  return {hash ^ static_cast<std::size_t>(question.type), question};
}

void AnswerCache::Shard::drop(Recency::iterator entry) {
  octets -= entry->octets;
  entries.erase(entry);
  recency.erase(entry);
}

DnsAnswerRef AnswerCache::find(const DnsQuestion& question, TimePoint now) {
  const Key key = key_of(question);
  return shard(key).with([&](Shard& shard) -> DnsAnswerRef {
    const auto found = shard.entries.find(key);
    if (found == shard.entries.end()) return nullptr;
    const Recency::iterator entry = *found;
    if (entry->expires <= now) {
      shard.drop(entry);
      return nullptr;
    }
    shard.recency.splice(shard.recency.begin(), shard.recency, entry);
    return entry->answer;
  });
}

void AnswerCache::store(const DnsQuestion& question, DnsAnswerRef answer, TimePoint now) {
  // A node of the list and one of the set, each with its links.
  constexpr std::size_t kNodes = sizeof(Entry) + 7 * sizeof(void*) + 2 * kBlockOctets;
  const std::size_t octets = kNodes + held_octets(question.name.text()) + octets_of(*answer);
  const auto kept = time_kept(*answer);
  const auto expires = now + kept;
  const Key key = key_of(question);
  shard(key).with([&](Shard& shard) {
    if (const auto old = shard.entries.find(key); old != shard.entries.end()) shard.drop(*old);
    if (kept <= seconds::zero() || octets > shard_octets_) return;
    while (!shard.recency.empty() && shard.octets + octets > shard_octets_)
      shard.drop(std::prev(shard.recency.end()));
    shard.recency.push_front({question, key.hash, std::move(answer), expires, octets});
    shard.entries.insert(shard.recency.begin());
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
