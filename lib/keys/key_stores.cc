#include "keys/key_stores.h"

namespace authmilter {

Result<std::shared_ptr<const PrivateKey>> open_pkcs11_key(const std::string& uri) {
  return Error{uri + ": keys in tokens are not supported in this build"};
}

Result<std::shared_ptr<const PrivateKey>> open_credential_key(const std::string& name) {
  return Error{"credential " + name + ": credentials are not supported in this build"};
}

}  // namespace authmilter
