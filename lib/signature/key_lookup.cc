#include "signature/key_lookup.h"

#include <variant>

#include "base/held_octets.h"

namespace authmilter {
namespace {

// RFC 6376 section 3.6.2.2 leaves several records undefined and section 6.1.2 allows to try each:
// that lets a key be replaced without a gap. More than this would only be work for us.
constexpr std::size_t kKeysTried = 3;

/// Of a key of OpenSSL 3, with what it computes for itself at its first use, of RSA the modulus
/// five times.
std::size_t octets_of(const PublicKey& key) {
  switch (key.type()) {
    case KeyType::rsa:
      return 1024 + std::size_t{5} * key.bits() / 8;
    case KeyType::ed25519:
      return 768;
  }
  return 0;
}

}  // namespace

std::shared_ptr<const PublicKey> read_public_key(const KeyRecord& record) {
  const auto octets = base64_decode(record.public_key);
  if (!octets) return nullptr;
  const auto key = PublicKey::from_dns(record.type, *octets);
  return key ? *key : nullptr;
}

PublishedKeys PublishedKeys::parse(const DnsAnswer& answer) {
  PublishedKeys published;
  std::size_t tried = 0;
  for (const DnsRecord& one : answer.records) {
    const auto* const txt = std::get_if<TxtRecord>(&one);
    if (txt == nullptr) continue;
    if (tried == kKeysTried) break;
    const auto read = read_key_record(txt->text);
    auto key = read ? read_public_key(*read) : nullptr;
    if (key != nullptr) {
      ++tried;
      published.keys.push_back({*read, std::move(key)});
      continue;
    }
    const bool other = !read && read.error().kind == KeyRecordFault::Kind::other_record;
    if (!other) ++tried;
    // The first fault stands, but that of a key record before that of anything else.
    if (!published.fault || (!other && published.fault == KeyFault::no_key)) {
      published.fault = other ? KeyFault::no_key : read ? KeyFault::malformed : read.error().fault;
    }
  }
  if (published.keys.empty() && !published.fault) published.fault = KeyFault::no_key;
  return published;
}

std::size_t PublishedKeys::octets() const {
  std::size_t octets = held_octets(keys);
  for (const CandidateKey& key : keys)
    octets += held_octets(key.record.public_key) + octets_of(*key.key);
  return octets;
}

std::span<const CandidateKey> KeyLookup::keys() const {
  return published == nullptr ? std::span<const CandidateKey>() : published->keys;
}

std::optional<KeyFault> KeyLookup::fault() const {
  return published == nullptr ? std::nullopt : published->fault;
}

KeyLookup look_up_keys(const DomainName& name, Resolver& resolver) {
  const DnsQuestion question{name, RrType::txt};
  const DnsAnswerRef answer = resolver.resolve(question);
  KeyLookup lookup;
  lookup.secure = answer->secure;
  if (answer->status == DnsStatus::temperror) {
    lookup.failed = FailedLookup{question, answer->fault};
  } else {
    lookup.published = parsed<PublishedKeys>(answer);
  }
  return lookup;
}

}  // namespace authmilter
