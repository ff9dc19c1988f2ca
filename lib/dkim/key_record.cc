#include "dkim/key_record.h"

#include <algorithm>

#include "base/ascii.h"
#include "message/tag_list.h"

namespace authmilter {
namespace {

// An RSA key of 8192 bits takes 1400 characters; notes (n=) may be long.
constexpr std::size_t kRecordOctets = 8 * 1024;
constexpr std::size_t kPublicKeyCharacters = 4096;

/// Whether a colon-separated list has one of two words (RFC 6376 section 3.6.1: h=, s=, t=).
bool lists(std::string_view value, std::string_view word) {
  const auto words = split(value, ':');
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view one) { return trim_fws(one) == word; });
}

KeyRecordFault unusable(std::string reason) {
  return {KeyRecordFault::Kind::unusable, std::move(reason)};
}

}  // namespace

KeyRecordResult read_key_record(std::string_view text) {
  if (text.size() > kRecordOctets) return unusable("key-record-too-long");
  const TagList tags(text);
  if (!tags) {
    // Other things than keys may be published under a wildcard; what claims to be a key is judged.
    const bool claims = trim_fws(text).starts_with("v=DKIM1") || text.find("p=") != text.npos;
    return KeyRecordFault{
        claims ? KeyRecordFault::Kind::unusable : KeyRecordFault::Kind::other_record,
        "key-malformed"};
  }
  // RFC 6376 section 3.6.1: v= MUST be the first tag if there is one; records beginning with
  // another version MUST be discarded.
  if (const auto version = tags.find("v")) {
    if (*version != "DKIM1")
      return KeyRecordFault{KeyRecordFault::Kind::other_record, "key-version-unknown"};
    if (tags.tags().front().name != "v") return unusable("key-malformed");
  }
  const auto public_key = tags.find("p");
  if (!public_key) {
    return tags.find("v") ? unusable("key-malformed")
                          : KeyRecordFault{KeyRecordFault::Kind::other_record, "key-malformed"};
  }
  if (public_key->size() > kPublicKeyCharacters) return unusable("key-record-too-long");
  if (public_key->empty()) return unusable("key-revoked");

  KeyRecord record;
  if (const auto type = tags.find("k")) {
    if (*type == "ed25519") {  // RFC 8463 section 4
      record.type = KeyType::ed25519;
    } else if (*type != "rsa") {
      return unusable("key-type-unknown");
    }
  }
  if (const auto hashes = tags.find("h"); hashes && !lists(*hashes, "sha256"))
    return unusable("key-hash-not-allowed");
  if (const auto services = tags.find("s");
      services && !lists(*services, "*") && !lists(*services, "email")) {
    return unusable("key-not-for-mail");
  }
  if (const auto flags = tags.find("t")) {
    record.testing = lists(*flags, "y");
    record.strict_identity = lists(*flags, "s");
  }
  std::copy_if(public_key->begin(), public_key->end(), std::back_inserter(record.public_key),
               [](char c) { return !is_fws(c); });
  return record;
}

}  // namespace authmilter
