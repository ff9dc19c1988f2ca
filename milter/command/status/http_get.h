#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <authmilter/ip_address.h>
#include <authmilter/result.h>

namespace authmilter::tools {

struct HttpAddress {
  IpAddress host;
  std::uint16_t port = 0;
  std::string text() const;  // "192.0.2.1:80", "[2001:db8::1]:80"
};

/// Fetches `path` by HTTP/1.0, for the daemon's own metrics: no names, redirects, TLS or encodings,
/// so that the command needs no library for them. Waits at most `time` for all of it and takes no
/// more than a few MiB. Anything but a whole answer with status 200 is an error.
Result<std::string> http_get(const HttpAddress& address, const std::string& path,
                             std::chrono::milliseconds time);

}  // namespace authmilter::tools
