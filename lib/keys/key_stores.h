#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <authmilter/private_key.h>
#include <authmilter/result.h>

#include "keys/key_files.h"
#include "token/token_store.h"

namespace authmilter {

/// Where keys come from that are not in a file of the configuration's. Rings hand it on from one to
/// the next, as the tokens' sessions and libraries are those of the process. Thread-safe; errors
/// begin with the source.
class KeyStores {
 public:
  KeyStores();

  /// The key behind a PKCS#11 URI (RFC 7512); see TokenStore::open().
  Result<std::shared_ptr<const PrivateKey>> open_pkcs11(const std::string& uri,
                                                        const TokenDemands& demands) {
    return tokens_.open(uri, demands);
  }
  TokenHealth take_health() { return tokens_.take_health(); }

 private:
  TokenStore tokens_;
};

/// The key in a credential that the service manager has handed over (systemd.exec(5)).
Result<std::shared_ptr<const PrivateKey>> open_credential_key(const std::string& name);

/// A key that stands in a KeyTable of OpenDKIM: PEM or the base64 of DER, on one line. Errors do
/// not show it.
Result<std::shared_ptr<const PrivateKey>> key_of_table(std::string_view text, KeyTrial trial);

}  // namespace authmilter
