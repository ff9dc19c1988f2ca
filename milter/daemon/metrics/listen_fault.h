#pragma once

#include <string>

namespace authmilter {

/// Why nobody can listen on `listen` ("ADDRESS:PORT", an IPv6 address in brackets) now, and what to
/// do about it; empty when it can be done.
std::string listen_fault(const std::string& listen);

}  // namespace authmilter
