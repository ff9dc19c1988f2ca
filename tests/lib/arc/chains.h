#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/arc.h>

#include "lib/dkim/messages.h"
#include "signature/header_hash.h"

// What the ARC tests share: a message, hops that change and seal it, and one call to validate it.
// The hops are written here tag by tag, so that a test can make each of them lie.

namespace arc_test {

using dkim_test::kNow;
using dkim_test::Text;

/// What a hop puts on top of the message.
struct Hop {
  std::string domain = "lists.example.edu";  // of seal and message signature
  std::string results = "dmarc=pass header.from=example.org";
  std::string cv = "";  // empty: none for the first, pass for others
  std::string headers = "from:to:subject:date:message-id";
  std::string seal_tags = "";  // more of them, each with its semicolon
  std::string signature_tags = "";
  std::string message_signer = "";  // empty: `domain`
  unsigned instance = 0;            // 0: the next
  bool seals = true;                // false: the set has no seal
};

inline std::string line_of(const authmilter::HeaderField& field) {
  return canonical_field(authmilter::make_message_field(field),
                         authmilter::Canonicalization::relaxed);
}

inline std::string start_of(unsigned instance) { return " i=" + std::to_string(instance) + ";"; }

inline const authmilter::HeaderField* find(const Text& message, const char* name,
                                           unsigned instance) {
  for (const auto& field : message.fields) {
    if (has_name(field, name) && field.value.starts_with(start_of(instance))) return &field;
  }
  return nullptr;
}

inline unsigned sets_of(const Text& message) {
  unsigned sets = 0;
  while (find(message, "ARC-Authentication-Results", sets + 1) != nullptr) ++sets;
  return sets;
}

inline std::string signature_of(const std::string& octets) {
  const auto key = dkim_test::private_key(authmilter::KeyType::rsa);
  return authmilter::base64_encode(*key->sign_sha256(authmilter::sha256(octets)));
}

/// The last instance of each field that is named, as a signer has it.
inline std::string signed_lines(const Text& message, const std::string& headers) {
  std::vector<authmilter::MessageField> fields;
  for (const auto& field : message.fields) fields.push_back(authmilter::make_message_field(field));
  const auto own = authmilter::make_message_field({"ARC-Message-Signature", ""});
  authmilter::SignedHeader header{{}, authmilter::Canonicalization::relaxed, {}};
  std::string_view rest = headers;
  while (!rest.empty()) {
    const auto colon = std::min(rest.find(':'), rest.size());
    header.names.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  const std::string all = canonical_header(fields, {&header, &own});
  return all.substr(0, all.size() - std::string_view("arc-message-signature:").size());
}

/// Relaxed, for bodies whose lines have no blanks to change.
inline std::string body_hash(const Text& message) {
  return authmilter::base64_encode(authmilter::sha256(message.body));
}

inline Text sealed(Text message, const Hop& hop = {}) {
  const auto put = [&](const char* name, std::string value) {
    message.fields.insert(message.fields.begin(), {name, std::move(value)});
  };
  const unsigned instance = hop.instance != 0 ? hop.instance : sets_of(message) + 1;
  const std::string start =
      start_of(instance) + " a=rsa-sha256; s=s; t=" + std::to_string(kNow) + ";";
  const std::string signer = hop.message_signer.empty() ? hop.domain : hop.message_signer;
  std::string signature = start + " d=" + signer + "; c=relaxed/relaxed; h=" + hop.headers + ";" +
                          hop.signature_tags + " bh=" + body_hash(message) + "; b=";
  signature += signature_of(signed_lines(message, hop.headers) +
                            line_of({"ARC-Message-Signature", signature}));
  put("ARC-Message-Signature", signature);
  put("ARC-Authentication-Results", start_of(instance) + " mx." + hop.domain + "; " + hop.results);
  if (!hop.seals) return message;
  const std::string cv = !hop.cv.empty() ? hop.cv : instance == 1 ? "none" : "pass";
  std::string seal = start + " d=" + hop.domain + "; cv=" + cv + ";" + hop.seal_tags + " b=";
  // RFC 8617 section 5.1.2: a chain that failed is sealed with the newest set alone.
  std::string octets;
  for (unsigned i = cv == "fail" ? instance : 1; i <= instance; ++i) {
    for (const char* name : {"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"}) {
      const auto* field = find(message, name, i);
      if (field != nullptr) octets += line_of(*field) + "\r\n";
    }
  }
  seal += signature_of(octets + line_of({"ARC-Seal", seal}));
  put("ARC-Seal", seal);
  return message;
}

/// What Mailman does.
inline Text changed_by_list(Text message) {
  for (auto& field : message.fields) {
    if (has_name(field, "Subject")) field.value = " [list]" + field.value;
  }
  message.body += "--\r\nthe list\r\n";
  return message;
}

inline Text plain() {
  Text message = dkim_test::split(dkim_test::kPlainMessage);
  message.body = "Hi.\r\n";
  return message;
}

/// The keys of the hops: one pair for all of them.
inline std::string keys_of(const std::vector<std::string>& domains) {
  std::string zone;
  for (const std::string& domain : domains) {
    zone += dkim_test::txt_line("s._domainkey." + domain,
                                key_record_text(*dkim_test::private_key(authmilter::KeyType::rsa)));
  }
  return zone;
}

inline std::string zone() {
  return keys_of({"lists.example.edu", "forwarder.example", "stranger.example"});
}

inline authmilter::ArcOutcome validate(const Text& message, authmilter::Resolver& resolver,
                                       std::int64_t now = kNow) {
  authmilter::ArcVerifyOptions options;
  options.now = now;
  authmilter::ArcVerifier verifier(resolver, options);
  for (const auto& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body(message.body);
  return verifier.finish();
}

inline authmilter::ArcOutcome validate(const Text& message, const std::string& zone_text = zone(),
                                       std::int64_t now = kNow) {
  const auto resolver = authmilter::make_test_resolver(zone_text);
  return validate(message, *resolver, now);
}

/// "pass, oldest 0", or "fail seal-mismatch (i=1, ARC-Seal)".
inline std::string summary(const authmilter::ArcOutcome& outcome) {
  std::string out(to_string(outcome.result));
  if (!outcome.reason.empty()) out += " " + outcome.reason.text();
  if (outcome.oldest_pass) out += ", oldest " + std::to_string(*outcome.oldest_pass);
  return out;
}

}  // namespace arc_test
