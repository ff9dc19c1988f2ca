#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <authmilter/crypto.h>
#include <authmilter/result.h>

namespace authmilter {

/// A key record that can be used (RFC 6376 section 3.6.1).
struct KeyRecord {
  KeyType type = KeyType::rsa;   // k=
  std::string public_key;        // p=, base64 without blanks
  bool testing = false;          // t=y
  bool strict_identity = false;  // t=s
  bool operator==(const KeyRecord&) const = default;
};

/// Why there is no key to verify with (RFC 6376 section 6.1.2).
enum class KeyFault : std::uint8_t {
  no_key,
  malformed,
  record_too_long,
  version_unknown,
  revoked,
  type_unknown,
  hash_not_allowed,
  not_for_mail,
};

/// Why a record cannot be used.
struct KeyRecordFault {
  enum class Kind {
    other_record,  // no key record of version 1: to be passed over
    unusable,      // a key record that cannot verify mail
  };
  Kind kind = Kind::unusable;
  KeyFault fault = KeyFault::malformed;
  std::string detail;  // the same for people, to be read after "it cannot be used: "
  bool operator==(const KeyRecordFault&) const = default;
};

using KeyRecordResult = Result<KeyRecord, KeyRecordFault>;

/// Reads the text of a TXT record strictly.
KeyRecordResult read_key_record(std::string_view text);

}  // namespace authmilter
