#pragma once

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace authmilter {

/// Of a Received field (RFC 5321 section 4.4) who wrote it, and whom he had the message from.
struct ReceivedFrom {
  DomainName by;
  /// Of the TCP connection, as the writer saw it; nothing where the message began at the writer.
  std::optional<IpAddress> client;
  std::string helo;  // what the client called itself; empty where that is not said
};

/// What the usual MTAs write: "from HELO (NAME [ADDRESS]) by NAME", with "(NAME [ADDRESS] (...))"
/// of Sendmail, "from NAME ([ADDRESS] helo=HELO)" and "from [ADDRESS] (helo=HELO)" of Exim, or
/// "(COMMENT) by NAME" without a "from". Nothing where that leaves room for doubt: parts of it are
/// the client's to choose. Linear time, no recursion.
std::optional<ReceivedFrom> read_received(std::string_view value);

}  // namespace authmilter
