#include "keys/key_stores.h"

#include <authmilter/key_file.h>

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

Result<std::shared_ptr<const PrivateKey>> fetch_key(const KeySource& source) {
  switch (source.store) {
    case KeyStore::file:
      return read_key_file(source.text);
    case KeyStore::pkcs11:
      // Whoever asks about a short key sees how short it is.
      return KeyStores().open_pkcs11(source.text, {.minimum_rsa_bits = 0});
    case KeyStore::credential:
      return open_credential_key(source.text);
  }
  return Error{"a key of no known kind"};
}

}  // namespace authmilter
