#pragma once

#include <string>

namespace authmilter {

/// What an SMTP client is told instead of 250 (RFC 5321 section 4.2).
struct SmtpReply {
  unsigned code = 550;
  std::string enhanced;  // RFC 7372, RFC 3463
  std::string text;      // printable ASCII without '%', at most 480 octets
  bool operator==(const SmtpReply&) const = default;
};

}  // namespace authmilter
