#pragma once

#include <string>

#include <authmilter/socket_address.h>

namespace authmilter::http {

/// Why nobody can listen on `listen` now, and what to do about it; empty when it can be done.
std::string listen_fault(const HostPort& listen);

}  // namespace authmilter::http
