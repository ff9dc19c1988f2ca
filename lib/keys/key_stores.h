#pragma once

#include <memory>
#include <string>

#include <authmilter/private_key.h>
#include <authmilter/result.h>

namespace authmilter {

// Keys that are not in a file of the configuration's. Thread-safe; called once for each source of a
// ring. Errors begin with the source.

/// The key behind a PKCS#11 URI (RFC 7512).
Result<std::shared_ptr<const PrivateKey>> open_pkcs11_key(const std::string& uri);

/// The key in a credential that the service manager has handed over (systemd.exec(5)).
Result<std::shared_ptr<const PrivateKey>> open_credential_key(const std::string& name);

}  // namespace authmilter
