#pragma once

#include <cstdint>

#include <authmilter/ip_address.h>

#include "tls/stream.h"

namespace authmilter {

/// Opens a TCP connection. Blocks up to the deadline; never raises SIGPIPE.
Dialled dial_tcp(const IpAddress& address, std::uint16_t port, StreamDeadline deadline);

}  // namespace authmilter
