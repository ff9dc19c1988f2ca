#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <authmilter/result.h>

namespace authmilter {

/// What keeps a private key: a PEM file, a token behind PKCS#11, the service manager, or a KeyTable
/// of OpenDKIM.
enum class KeyStore : std::uint8_t { file, pkcs11, credential, table };

/// Where a private key is kept. In the configuration `file = "PATH"`, or `key = "pkcs11:..."` (the
/// whole URI of RFC 7512), or `key = "credential:NAME"` (systemd.exec(5), LoadCredential=).
struct KeySource {
  KeyStore store = KeyStore::file;
  std::string text;  // the path; the URI with its scheme; the credential's name; the key itself

  /// What may stand behind `key =`. The error reads after "key: ".
  static Result<KeySource> parse_key(std::string_view text);
  static KeySource of_file(std::string path) { return {KeyStore::file, std::move(path)}; }

  /// As it is written behind `key =`; a file's path.
  std::string written() const;
  bool operator==(const KeySource&) const = default;
};

}  // namespace authmilter
