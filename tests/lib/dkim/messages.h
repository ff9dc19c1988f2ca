#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/dkim.h>
#include <authmilter/published_key.h>
#include <authmilter/zone_resolver.h>

// What the DKIM tests share: keys, messages, and one call to verify or to sign.

namespace dkim_test {

/// One engine for all tests, as in the daemon.
inline const authmilter::DkimEngine& engine() {
  static const authmilter::DkimEngine instance;
  return instance;
}

/// A key pair made when first asked for.
inline std::shared_ptr<const authmilter::PrivateKey> private_key(authmilter::KeyType type,
                                                                 unsigned bits = 2048) {
  static std::map<std::pair<authmilter::KeyType, unsigned>,
                  std::shared_ptr<const authmilter::PrivateKey>>
      keys;
  auto& key = keys[{type, bits}];
  if (key == nullptr) key = authmilter::generate_private_key(type, bits)->key;
  return key;
}

/// A master file line with a TXT record, in strings of at most 255 octets.
inline std::string txt_line(const std::string& name, std::string_view text) {
  std::string line = name + ". 3600 IN TXT";
  do {
    line += " \"";
    for (const char c : text.substr(0, 255)) {
      if (c == '\n') {
        line += "\\010";
        continue;
      }
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
    line += '"';
    text.remove_prefix(std::min<std::size_t>(255, text.size()));
  } while (!text.empty());
  return line + "\n";
}

/// The records of all keys that the tests sign with.
inline std::string zone() {
  using authmilter::KeyType;
  return txt_line("r._domainkey.example.org", key_record_text(*private_key(KeyType::rsa))) +
         txt_line("e._domainkey.example.org", key_record_text(*private_key(KeyType::ed25519)));
}

inline authmilter::SigningKey signing_key(const char* selector) {
  using authmilter::KeyType;
  return {*authmilter::DomainName::parse("example.org"), *authmilter::Selector::parse(selector),
          private_key(*selector == 'e' ? KeyType::ed25519 : KeyType::rsa)};
}

constexpr std::int64_t kNow = 1'700'000'000;

struct Text {
  std::vector<authmilter::HeaderField> fields;
  std::string body;
};
inline Text split(std::string_view message) {
  auto parsed = authmilter::parse_message(message);
  return {std::move(parsed.fields), std::move(parsed.body)};
}

inline std::vector<authmilter::DkimOutcome> verify(const Text& message,
                                                   authmilter::Resolver& resolver,
                                                   const authmilter::DkimVerifyOptions& options = {
                                                       .now = kNow}) {
  authmilter::DkimVerifier verifier(engine(), resolver, options);
  for (const auto& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body(message.body);
  return verifier.finish();
}

inline std::vector<authmilter::DkimOutcome> verify(const Text& message,
                                                   const std::string& zone_text = zone(),
                                                   const authmilter::DkimVerifyOptions& options = {
                                                       .now = kNow}) {
  const auto resolver = authmilter::make_test_resolver(zone_text);
  return verify(message, *resolver, options);
}

/// "pass", or "fail body-hash-mismatch"; several joined with ", ".
inline std::string summary(const std::vector<authmilter::DkimOutcome>& outcomes) {
  std::string out;
  for (const auto& outcome : outcomes) {
    if (!out.empty()) out += ", ";
    out += to_string(outcome.result);
    if (!outcome.reason.empty()) out += " " + outcome.reason.text();
  }
  return out.empty() ? "none" : out;
}

/// `message` with the signatures of the keys on top.
inline Text sign(Text message, const std::vector<authmilter::SigningKey>& keys,
                 authmilter::DkimSignOptions options = {}) {
  if (options.headers.empty()) options.headers = authmilter::default_signed_headers();
  if (options.now == 0) options.now = kNow;
  authmilter::DkimSigner signer(engine(), keys, options);
  for (const auto& field : message.fields) signer.header(field);
  signer.end_of_headers();
  signer.body(message.body);
  const auto signed_fields = signer.finish();
  message.fields.insert(message.fields.begin(), signed_fields->begin(), signed_fields->end());
  return message;
}

inline constexpr std::string_view kPlainMessage =
    "From: Joe <joe@example.org>\r\n"
    "To: Suzie <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <1@example.org>\r\n"
    "\r\n"
    "Hi.\r\n"
    "\r\n"
    "We lost the game.  Are you hungry yet?\r\n"
    "\r\n"
    "Joe.\r\n";

}  // namespace dkim_test
