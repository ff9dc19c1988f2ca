#pragma once

#include <chrono>
#include <string>

#include <authmilter/result.h>
#include <authmilter/socket_address.h>

namespace authmilter::tools {

/// Fetches `path` by HTTP/1.0, for the daemon's own metrics: no names, redirects, TLS or encodings,
/// so that the command needs no library for them. Waits at most `time` for all of it and takes no
/// more than a few MiB. Anything but a whole answer with status 200 is an error.
Result<std::string> http_get(const HostPort& address, const std::string& path,
                             std::chrono::milliseconds time);

}  // namespace authmilter::tools
