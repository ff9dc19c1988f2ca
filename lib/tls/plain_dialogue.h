#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <authmilter/tls_probe.h>

#include "tls/stream.h"

namespace authmilter {

struct PlainLimits {
  std::chrono::milliseconds greeting;  // how long the server may take for its first line
  std::chrono::milliseconds step;      // for each answer behind it
  StreamDeadline whole;
};

/// What a server said in plain text before TLS. Texts are printable ASCII and cut.
struct PlainDialogue {
  bool ready = false;  // it waits for a ClientHello
  /// It did not say what it should have, because nothing came in time.
  bool late = false;
  std::string greeting;
  bool starttls = false;
  std::vector<std::string> plain_logins;
  std::string trouble;  // why it is not ready
  /// Octets that came in the clear behind the answer to STARTTLS: dropped (RFC 3207 section 4.2:
  /// what was learnt before TLS is forgotten).
  bool has_early_octets = false;
};

/// The dialogue up to TLS of a protocol that begins in plain text: SMTP (RFC 3207), IMAP (RFC 9051
/// section 6.2.1), POP3 (RFC 2595 section 4).
PlainDialogue speak_plain(ServerStream& stream, ServerProtocol protocol, const std::string& helo,
                          const PlainLimits& limits);

}  // namespace authmilter
