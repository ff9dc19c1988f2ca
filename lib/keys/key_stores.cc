#include "keys/key_stores.h"

#include <authmilter/key_file.h>

#include <fmt/format.h>

#include "keys/credentials.h"
#include "keys/key_files.h"
#include "keys/pin.h"

namespace authmilter {

KeyStores::KeyStores() : tokens_(read_pin) {}

Result<std::shared_ptr<const PrivateKey>> open_credential_key(const std::string& name) {
  const KnownKeyFiles none;
  auto file =
      KeyFileReader(none, KeyTrial::when_read, Keeper::service_manager).read(credential_file(name));
  if (!file) return Error{"credential:" + name + ": " + file.error().message};
  return std::move(file->key);
}

Result<std::shared_ptr<const PrivateKey>> key_of_table(std::string_view text, KeyTrial trial) {
  const std::string name = "the key in the table";
  // Nothing else of it counts: what it is shows in its octets.
  const std::string pem =
      text.starts_with("-----BEGIN")
          ? std::string(text)
          : fmt::format("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", text);
  auto key = deferred_private_key(pem, name);
  if (!key || trial == KeyTrial::when_used) return key;
  if ((*key)->dns_public_key().empty()) return Error{name + ": its numbers do not fit together"};
  return key;
}

Result<std::shared_ptr<const PrivateKey>> fetch_key(const KeySource& source) {
  switch (source.store) {
    case KeyStore::file:
      return read_key_file(source.text);
    case KeyStore::pkcs11:
      // Whoever asks about a short key sees how short it is.
      return KeyStores().open_pkcs11(source.text, {.minimum_rsa_bits = 0});
    case KeyStore::credential:
      return open_credential_key(source.text);
    case KeyStore::table:
      return key_of_table(source.text, KeyTrial::when_read);
  }
  return Error{"a key of no known kind"};
}

}  // namespace authmilter
