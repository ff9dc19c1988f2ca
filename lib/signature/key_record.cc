#include "signature/key_record.h"

#include <algorithm>
#include <iterator>

#include "base/ascii.h"
#include "base/txt_record.h"
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

using Kind = KeyRecordFault::Kind;

KeyRecordFault unusable(KeyFault fault, std::string detail) {
  return {Kind::unusable, fault, std::move(detail)};
}

KeyRecordFault unreadable(std::string_view text, TagListError error) {
  // Other things than keys may be published under a wildcard; what claims to be a key is judged.
  const bool claims = trim_fws(text).starts_with("v=DKIM1") || text.find("p=") != text.npos;
  return {claims ? Kind::unusable : Kind::other_record, KeyFault::malformed,
          error == TagListError::duplicate_tag
              ? "a tag stands in it twice"
              : "it is not a list of tags such as \"v=DKIM1; k=rsa; p=...\""};
}

}  // namespace

KeyRecordResult read_key_record(std::string_view published) {
  // RFC 6376 section 3.6.1: blanks may stand at the end of the list. A line end may not, but
  // nothing can follow it that it would set apart.
  const std::string_view text = without_trailing_blanks(published);
  if (text.size() > kRecordOctets) {
    return unusable(KeyFault::record_too_long,
                    "it has more than " + std::to_string(kRecordOctets) + " octets");
  }
  const TagList tags(text);
  if (!tags) return unreadable(text, tags.error());
  // RFC 6376 section 3.6.1: v= MUST be the first tag if there is one; records beginning with
  // another version MUST be discarded.
  if (const auto version = tags.find("v")) {
    if (*version != "DKIM1") {
      return KeyRecordFault{Kind::other_record, KeyFault::version_unknown,
                            "its version (v=) is not DKIM1"};
    }
    if (tags.tags().front().name != "v")
      return unusable(KeyFault::malformed, "its version (v=) is not the first tag");
  }
  const auto public_key = tags.find("p");
  if (!public_key) {
    return KeyRecordFault{tags.find("v") ? Kind::unusable : Kind::other_record, KeyFault::malformed,
                          "there is no key in it (p=)"};
  }
  if (public_key->size() > kPublicKeyCharacters) {
    return unusable(
        KeyFault::record_too_long,
        "its key (p=) has more than " + std::to_string(kPublicKeyCharacters) + " characters");
  }
  if (public_key->empty())
    return unusable(KeyFault::revoked, "its key (p=) is empty, which means that it is revoked");

  KeyRecord record;
  if (const auto type = tags.find("k")) {
    if (*type == "ed25519") {  // RFC 8463 section 4
      record.type = KeyType::ed25519;
    } else if (*type != "rsa") {
      return unusable(KeyFault::type_unknown, "its type of key (k=) is neither rsa nor ed25519");
    }
  }
  if (const auto hashes = tags.find("h"); hashes && !lists(*hashes, "sha256"))
    return unusable(KeyFault::hash_not_allowed, "its hashes (h=) are without sha256");
  if (const auto services = tags.find("s");
      services && !lists(*services, "*") && !lists(*services, "email")) {
    return unusable(KeyFault::not_for_mail, "its services (s=) are without mail");
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
