#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// A mail server to hand mail to.
struct SmtpServer {
  std::string url;   // "smtp://HOST[:PORT]", "smtps://HOST[:PORT]"
  std::string helo;  // what we are
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds timeout = std::chrono::minutes(5);  // of one mail, all together
};

struct SmtpOutcome {
  enum class State : std::uint8_t {
    accepted,  // by the server, for one recipient at least
    later,     // not taken, and may be tried again
    refused,   // for good, because of the recipients or the mail
    unknown,   // all of it was sent, and no answer came
  };
  State state = State::later;
  std::string reply;  // the server's last, or what failed; printable ASCII, one line
};

/// Hands one mail with CRLF line ends to a server (RFC 5321), by libcurl. STARTTLS is used where it
/// is offered (RFC 3207), whoever the server is by its certificate: the alternative is no TLS. With
/// smtps the certificate must be the host's, unless the host is this one. Blocks up to the
/// timeouts; thread-safe.
SmtpOutcome send_by_smtp(const SmtpServer& server, const std::string& from,
                         const std::vector<std::string>& recipients, std::string_view mail);

}  // namespace authmilter
