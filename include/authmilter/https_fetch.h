#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/ip_address.h>

namespace authmilter {

/// Where a connection to a host goes instead of its own address and port (--connect).
struct Detour {
  std::string host;  // lower case
  IpAddress address;
  std::uint16_t port = 0;
  bool operator==(const Detour&) const = default;
};

struct FetchOptions {
  std::string ca_file;                       // PEM; empty: the system's
  std::vector<Detour> detours;               // of the one host; the first that has it counts
  std::chrono::milliseconds timeout{10000};  // all together
  std::size_t most_octets = 64 << 10;  // of a body; RFC 8461 section 3.2 has 64 kB for a policy
};

/// What one URL answered; redirections are not followed.
struct FetchFacts {
  std::string url;
  unsigned status = 0;           // HTTP's; 0: no answer
  std::string trouble;           // for people: why there is none, or why it does not count
  bool certificate_good = true;  // of a recognised authority, for this host, in its dates
  std::string content_type;
  std::string location;                                // of a redirection, absolute
  std::vector<std::string> strict_transport_security;  // the fields, as they are
  std::string body;                                    // cut at the most
  bool operator==(const FetchFacts&) const = default;
};

/// GET of an http:// or https:// URL; a certificate that is not good is told and the answer not
/// read. Blocks up to the timeout; thread-safe; never throws for what a server does.
FetchFacts fetch_url(const std::string& url, const FetchOptions& options);

}  // namespace authmilter
