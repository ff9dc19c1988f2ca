#include <authmilter/crypto.h>

#include "input.h"
#include "signature/key_record.h"

// Key records (RFC 6376 section 3.6.1) and the keys in them.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const KeyRecordResult result = read_key_record(input.text());
  if (!result) {
    const std::string& detail = result.error().detail;
    require(!detail.empty() && fuzz::printable_ascii(detail), "a fault can be told");
    return 0;
  }
  const auto& record = *result;
  require(!record.public_key.empty(), "a revoked key is no key");
  std::string written = "v=DKIM1; k=" + std::string(to_string(record.type)) + "; ";
  if (record.testing || record.strict_identity) {
    written += std::string("t=") + (record.testing ? "y" : "") +
               (record.testing && record.strict_identity ? ":" : "") +
               (record.strict_identity ? "s" : "") + "; ";
  }
  require(read_key_record(written + "p=" + record.public_key) == result,
          "written and read, the record is the same");

  const auto octets = base64_decode(record.public_key);
  if (!octets) return 0;
  const auto key = PublicKey::from_dns(record.type, *octets);
  if (!key) {
    require(fuzz::printable_ascii(key.error().message), "errors can be printed");
    return 0;
  }
  require((*key)->type() == record.type, "a key has the type of its record");
  require((*key)->bits() > 0 && (*key)->bits() <= 8192, "keys are limited");
  // Whatever the key is, these octets were not signed with it. An RSA key of a few bits may
  // verify anything, which is why short ones never count.
  if ((*key)->bits() >= 512) {
    require(!(*key)->verify_sha256(sha256("message"), Octets(64, 0x5a)), "no forged signature");
    require(!(*key)->verify_sha256(sha256("message"), Octets((*key)->bits() / 8, 0x5a)),
            "nor that");
  }
  require(!(*key)->verify_sha256(sha256("message"), {}), "no empty signature");
  return 0;
}
