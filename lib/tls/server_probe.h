#pragma once

#include <functional>

#include <authmilter/tls_probe.h>

#include "tls/stream.h"

namespace authmilter {

/// How the probe comes to a connection; tests have servers of their own.
using Dial = std::function<Dialled(StreamDeadline)>;

/// What does not fit one segment is a large ClientHello: 1460 octets with IPv4 on Ethernet, 1440
/// with IPv6, less the header of a TLS record and a little for tunnels.
constexpr std::size_t kLargeHelloOctets = 1300;

/// probe_server() without its own way to connect. `facts` names the server: its protocol, host,
/// address and port.
ServerFacts probe_server_by(const Dial& dial, ServerFacts facts, const TlsProbeOptions& options,
                            std::size_t large_hello = kLargeHelloOctets);

}  // namespace authmilter
