#include "signature/key_lookup.h"

namespace authmilter {
namespace {

constexpr std::size_t kCachedKeys = 4096;  // of each generation; a parsed key takes about 2 KiB

// RFC 6376 section 3.6.2.2 leaves several records undefined and section 6.1.2 allows to try each:
// that lets a key be replaced without a gap. More than this would only be work for us.
constexpr std::size_t kKeysTried = 3;

}  // namespace

std::shared_ptr<const PublicKey> KeyCache::parsed(const KeyRecord& record) {
  const Sha256Digest name = sha256(std::string(to_string(record.type)) + ":" + record.public_key);
  std::shared_ptr<const PublicKey> key;
  const bool young = generations_.with([&](Generations& generations) {
    const auto found = generations.young.find(name);
    if (found != generations.young.end()) {
      key = found->second;
      return true;
    }
    if (const auto old = generations.old.find(name); old != generations.old.end())
      key = old->second;
    return false;
  });
  if (young) return key;
  if (key == nullptr) {
    const auto octets = base64_decode(record.public_key);
    if (!octets) return nullptr;
    const auto parsed = PublicKey::from_dns(record.type, *octets);
    if (!parsed) return nullptr;
    key = *parsed;
  }
  generations_.with([&](Generations& generations) {
    if (generations.young.size() >= kCachedKeys) {
      generations.old = std::move(generations.young);
      generations.young.clear();
    }
    generations.young.emplace(name, key);
  });
  return key;
}

KeyLookup look_up_keys(const DomainName& name, Resolver& resolver, KeyCache& cache) {
  const DnsQuestion question{name, RrType::txt};
  const DnsAnswerRef answer = resolver.resolve(question);
  KeyLookup lookup;
  lookup.secure = answer->secure;
  switch (answer->status) {
    case DnsStatus::temperror:
      lookup.failed = FailedLookup{question, answer->fault};
      return lookup;
    case DnsStatus::no_data:
    case DnsStatus::nxdomain:
      lookup.fault = KeyFault::no_key;
      return lookup;
    case DnsStatus::success:
      break;
  }
  std::size_t tried = 0;
  for (const auto& text : answer->texts()) {
    if (tried == kKeysTried) break;
    const auto read = read_key_record(text);
    auto key = read ? cache.parsed(*read) : nullptr;
    if (key != nullptr) {
      ++tried;
      lookup.keys.push_back({*read, std::move(key)});
      continue;
    }
    const bool other = !read && read.error().kind == KeyRecordFault::Kind::other_record;
    if (!other) ++tried;
    // The first fault stands, but that of a key record before that of anything else.
    if (!lookup.fault || (!other && lookup.fault == KeyFault::no_key)) {
      lookup.fault = other ? KeyFault::no_key : read ? KeyFault::malformed : read.error().fault;
    }
  }
  if (lookup.keys.empty() && !lookup.fault) lookup.fault = KeyFault::no_key;
  return lookup;
}

}  // namespace authmilter
