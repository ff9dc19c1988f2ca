#pragma once

#include <openssl/ssl.h>

#include "base/c_handle.h"

namespace authmilter {

using SslContext = CHandle<SSL_CTX, SSL_CTX_free>;
using SslHandle = CHandle<SSL, SSL_free>;

}  // namespace authmilter
