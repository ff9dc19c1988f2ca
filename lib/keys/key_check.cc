#include <authmilter/published_key.h>

#include <algorithm>

#include "base/ascii.h"
#include "signature/key_lookup.h"
#include "signature/key_record.h"

namespace authmilter {
namespace {

/// What often has gone wrong when a record that was copied into a form or a zone cannot be read.
std::string hint(std::string_view text) {
  if (text.find('"') != std::string_view::npos)
    return "; quotation marks have been published with it: enter the text without them";
  if (text.find('\\') != std::string_view::npos)
    return "; backslashes have been published with it: enter the text without them";
  return {};
}

/// Why a record that reads well holds no key.
std::string key_fault(const KeyRecord& record) {
  if (!base64_decode(record.public_key)) return "its key (p=) is not base64, or a part is missing";
  return "its key (p=) is not a public key of type " + std::string(to_string(record.type));
}

/// Whether `record` has the public half of `key`. A signature decides: the same key can be written
/// in more than one way.
bool belongs(const KeyRecordResult& read, const PrivateKey& key, const Sha256Digest& digest,
             const Octets& signature) {
  if (!read || read->type != key.type()) return false;
  const auto published = read_public_key(*read);
  return published != nullptr && published->verify_sha256(digest, signature);
}

/// The judgement on the only record under the name, which does not hold the key.
KeyCheck without_key(const KeyRecordResult& read, std::string_view text) {
  if (!read && read.error().fault == KeyFault::revoked)
    return {KeyCheckResult::revoked, read.error().detail, {}};
  if (!read || read_public_key(*read) == nullptr) {
    const std::string fault = read ? key_fault(*read) : read.error().detail;
    return {KeyCheckResult::malformed, "the record cannot be used: " + fault + hint(text), {}};
  }
  return {KeyCheckResult::mismatch, "another key is published", {}};
}

/// RFC 6376 section 3.6.2.2: "TXT RRs MUST be unique for a particular selector name", else the
/// results are undefined: some verifiers take the first that comes, some none, some try each.
KeyCheck several(std::size_t count, std::size_t with_this_key) {
  std::string detail = std::to_string(count) +
                       " TXT records stand under the name, and which of them a verifier takes is "
                       "undefined (RFC 6376 section 3.6.2.2): ";
  detail += with_this_key == 0   ? "none has this key; replace them all by its record"
            : with_this_key == 1 ? "remove all but the one with this key"
                                 : "remove all but one of those with this key";
  return {KeyCheckResult::multiple, std::move(detail), {}};
}

KeyCheck judge(const std::vector<std::string>& texts, const PrivateKey& key,
               const Octets& signature, const Sha256Digest& digest) {
  std::vector<KeyRecordResult> records;
  for (const std::string& text : texts) records.push_back(read_key_record(text));
  const auto with_this_key = static_cast<std::size_t>(std::count_if(
      records.begin(), records.end(),
      [&](const KeyRecordResult& read) { return belongs(read, key, digest, signature); }));
  if (texts.size() > 1) return several(texts.size(), with_this_key);
  if (with_this_key == 0) return without_key(records.front(), texts.front());
  const bool testing = records.front()->testing;
  // RFC 6376 section 3.6.1: in testing, verifiers treat a message as if it were unsigned.
  return {KeyCheckResult::match,
          testing ? "marked as a test (t=y): for verifiers its signatures count as none" : "",
          {}};
}

}  // namespace

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
    case KeyCheckResult::multiple:
      return "multiple";
    case KeyCheckResult::temperror:
      return "temperror";
  }
  return "";
}

KeyCheck check_published_key(const SigningKey& key, Resolver& resolver) {
  if (const auto away = key.key->unavailable())
    return {KeyCheckResult::temperror, "the key cannot be had now: " + away->message, {}};
  const auto name = key.selector.key_name(key.domain);
  if (!name) {
    return {KeyCheckResult::malformed,
            "the name of the record would have more than 253 octets: choose a shorter selector",
            {}};
  }
  const DnsAnswerRef answer = resolver.resolve({*name, RrType::txt});
  if (answer->status == DnsStatus::temperror) {
    return {KeyCheckResult::temperror,
            "the DNS gives no answer now (" + std::string(to_string(answer->fault)) + ")",
            {}};
  }
  const auto texts = answer->texts();
  if (texts.empty()) {
    return {KeyCheckResult::missing,
            answer->status == DnsStatus::nxdomain
                ? "the name does not exist: the record is not published, or not seen yet"
                : "there is no TXT record under the name: it is not published, or not seen yet",
            {}};
  }
  return judge_published_key(texts, *key.key);
}

KeyCheck judge_published_key(const std::vector<std::string>& texts, const PrivateKey& key) {
  if (texts.empty()) return {KeyCheckResult::missing, "", {}};
  const Sha256Digest digest = sha256("authmilter key check");
  const auto signature = key.sign_sha256(digest);
  if (!signature) return {KeyCheckResult::mismatch, signature.error().message, texts};
  KeyCheck check = judge(texts, key, *signature, digest);
  check.published = texts;
  return check;
}

}  // namespace authmilter
