#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/resolver.h>
#include <authmilter/signing_key.h>

namespace authmilter {

/// The text of the key record to publish for `key` (RFC 6376 section 3.6.1).
std::string key_record_text(const PrivateKey& key);

enum class KeyCheckResult : std::uint8_t {
  match,
  missing,
  mismatch,
  revoked,
  malformed,
  multiple,  // several records: which one counts is undefined (RFC 6376 section 3.6.2.2)
  temperror
};
std::string_view to_string(KeyCheckResult result);

struct KeyCheck {
  KeyCheckResult result;
  std::string detail;                  // for people; empty where the result says all
  std::vector<std::string> published;  // the texts that stand under the name, as they are
};

/// Compares TXT records that stand under the key's name with its private half.
KeyCheck judge_published_key(const std::vector<std::string>& texts, const PrivateKey& key);
/// Compares the published record of `key` with its private half.
KeyCheck check_published_key(const SigningKey& key, Resolver& resolver);

}  // namespace authmilter
