#include <authmilter/private_key.h>

#include "base/ascii.h"
#include "input.h"

// base64, public keys as DER, private keys as PEM.

using namespace authmilter;
using fuzz::require;

namespace {

void check_public_key(KeyType type, const Octets& octets) {
  const auto key = PublicKey::from_dns(type, octets);
  if (!key) {
    require(fuzz::printable_ascii(key.error().message), "errors can be printed");
    return;
  }
  require((*key)->type() == type && (*key)->bits() <= 8192, "a key is what was asked for");
  require(!(*key)->verify_sha256(Sha256Digest{}, {}), "no empty signature");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const std::string text(input.text());
  const Octets octets(data, data + size);
  require(base64_decode(base64_encode(octets)) == octets, "what is encoded can be decoded");
  if (const auto decoded = base64_decode(text)) {
    // Bits behind the last octet may be anything, so the last digit may change.
    const std::string again = base64_encode(*decoded);
    require(again.size() == text.size() && base64_decode(again) == decoded, "base64 is strict");
    check_public_key(KeyType::rsa, *decoded);
    check_public_key(KeyType::ed25519, *decoded);
  }
  check_public_key(KeyType::rsa, octets);
  check_public_key(KeyType::ed25519, octets);

  const auto key = private_key_from_pem(text, "key");
  if (!key) {
    require(key.error().message.starts_with("key") && fuzz::printable_ascii(key.error().message),
            "errors can be printed");
    return 0;
  }
  const Sha256Digest digest = sha256(text);
  const auto signature = (*key)->sign_sha256(digest);
  const auto record = base64_decode((*key)->dns_public_key());
  require(record.has_value(), "the record is base64");
  const auto published = PublicKey::from_dns((*key)->type(), *record);
  if (!signature || !published) return 0;  // a key that fits nobody
  const bool holds = (*published)->verify_sha256(digest, *signature);
  require(holds || (*key)->type() == KeyType::ed25519, "what an RSA key signs its record verifies");
  return 0;
}
