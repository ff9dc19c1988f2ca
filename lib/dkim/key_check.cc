#include <authmilter/dkim.h>

#include "base/ascii.h"
#include "dkim/key_lookup.h"

namespace authmilter {

std::string key_record_text(const PrivateKey& key) {
  // RFC 6376 section 3.6.1: v= first. k=rsa is the default, but people look for it.
  return "v=DKIM1; k=" + std::string(to_string(key.type())) + "; p=" + key.dns_public_key();
}

std::string_view to_string(KeyCheckResult result) {
  switch (result) {
    case KeyCheckResult::match:
      return "match";
    case KeyCheckResult::missing:
      return "missing";
    case KeyCheckResult::mismatch:
      return "mismatch";
    case KeyCheckResult::revoked:
      return "revoked";
    case KeyCheckResult::malformed:
      return "malformed";
    case KeyCheckResult::temperror:
      return "temperror";
  }
  return "";
}

KeyCheck check_published_key(const SigningKey& key, Resolver& resolver) {
  const auto name = key.selector.key_name(key.domain);
  if (!name) return {KeyCheckResult::malformed, "the name of the key record is too long"};
  KeyCache cache;
  const KeyLookup lookup = look_up_keys(*name, resolver, cache);
  if (lookup.fault != DnsFault::none) {
    return {KeyCheckResult::temperror, name->text() + ": " + std::string(to_string(lookup.fault))};
  }
  if (lookup.keys.empty()) {
    const auto result = lookup.reason == "no-key"        ? KeyCheckResult::missing
                        : lookup.reason == "key-revoked" ? KeyCheckResult::revoked
                                                         : KeyCheckResult::malformed;
    return {result, name->text() + ": " + lookup.reason};
  }
  // A signature decides: the same key can be written in more than one way.
  const Sha256Digest digest = sha256("authmilter key check");
  const auto signature = key.key->sign_sha256(digest);
  if (!signature) return {KeyCheckResult::mismatch, signature.error().message};
  for (const auto& candidate : lookup.keys) {
    if (candidate.record.type != key.key->type() ||
        !candidate.key->verify_sha256(digest, *signature)) {
      continue;
    }
    std::string detail = name->text();
    if (candidate.record.testing) detail += ": marked as a test (t=y)";
    return {KeyCheckResult::match, std::move(detail)};
  }
  return {KeyCheckResult::mismatch, name->text() + ": another key is published"};
}

}  // namespace authmilter
