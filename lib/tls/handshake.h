#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/tls_probe.h>

#include "tls/stream.h"

namespace authmilter {

/// What one ClientHello offers.
struct HandshakeOffer {
  TlsVersion oldest = TlsVersion::tls_1_2;
  TlsVersion newest = TlsVersion::tls_1_2;
  /// OpenSSL's words for the ciphers of TLS 1.2 and older.
  std::string ciphers = "DEFAULT";
  /// OpenSSL's words for the groups of the key exchange; empty: the library's own choice.
  std::string groups;
  std::string server_name;  // SNI; empty: none
};

struct HandshakeOutcome {
  OfferState state = OfferState::not_probed;
  /// The handshake ended well: what follows is of a server that holds its key.
  bool completed = false;
  std::string cipher;
  std::string group;
  std::string detail;              // for people: the alert, the end, what our library cannot do
  std::vector<std::string> chain;  // DER, as it was served
  bool ocsp_stapled = false;
  std::size_t hello_octets = 0;  // of our ClientHello
};

/// Whether this build of OpenSSL can make a ClientHello of it.
bool can_offer(const HandshakeOffer& offer);

/// One handshake with a server that waits for a ClientHello, over an SSL_CTX of its own that allows
/// all that the library can (security level 0, RFC 8996's old versions): Debian's defaults would
/// hide what a server offers. The certificate is taken as it comes. Blocks up to the deadline.
HandshakeOutcome shake_hands(ServerStream& stream, const HandshakeOffer& offer,
                             StreamDeadline deadline);

}  // namespace authmilter
