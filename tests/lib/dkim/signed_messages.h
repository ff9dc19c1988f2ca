#pragma once

#include <algorithm>
#include <string>

#include "lib/dkim/messages.h"

/// What the tests of the verifier share: a message that was signed, and ways to make it another.
namespace dkim_test {

inline Text plain() { return dkim_test::split(kPlainMessage); }

/// The message with a signature that tests may then alter.
inline Text signed_by(const char* selector) { return sign(plain(), {signing_key(selector)}); }

inline authmilter::HeaderField& field_named(Text& message, const char* name) {
  return *std::find_if(
      message.fields.begin(), message.fields.end(),
      [&](const authmilter::HeaderField& field) { return authmilter::has_name(field, name); });
}

/// The record of the RSA key with other tags in front of p=.
inline std::string key_with(const std::string& tags) {
  return txt_line("r._domainkey.example.org",
                  tags + "p=" + private_key(authmilter::KeyType::rsa)->dns_public_key());
}

/// A signature made by hand: `tags` as they are, the hashes and b= filled in by us.
inline Text sign_by_hand(Text message, const std::string& tags, const std::string& canonical_body,
                         const std::string& canonical_fields,
                         authmilter::KeyType type = authmilter::KeyType::rsa) {
  std::string value =
      " " + tags + " bh=" + authmilter::base64_encode(authmilter::sha256(canonical_body)) + "; b=";
  const auto signature = *private_key(type)->sign_sha256(
      authmilter::sha256(canonical_fields + "DKIM-Signature:" + value));
  message.fields.insert(message.fields.begin(),
                        {"DKIM-Signature", value + authmilter::base64_encode(signature)});
  return message;
}

inline const std::string kTags = "v=1; a=rsa-sha256; d=example.org; s=r;";

}  // namespace dkim_test
