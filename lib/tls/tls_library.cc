#include <openssl/ssl.h>

#include <authmilter/tls_probe.h>

namespace authmilter {

std::string tls_library() { return OpenSSL_version(OPENSSL_VERSION); }

}  // namespace authmilter
