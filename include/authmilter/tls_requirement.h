#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/ip_address.h>
#include <authmilter/smtp_reply.h>

namespace authmilter {

/// How a client's connection is encrypted, weakest first. SSL is no better than `none`.
enum class TlsVersion : std::uint8_t { none, tls1_0, tls1_1, tls1_2, tls1_3 };
/// As OpenSSL and the MTAs write it: "TLSv1", "TLSv1.2"; "none".
std::string_view to_string(TlsVersion version);

/// `[[network.require_tls]]`.
struct TlsRequirement {
  std::vector<Network> clients;
  TlsVersion minimum = TlsVersion::tls1_2;  // none: these clients need no TLS
  bool operator==(const TlsRequirement&) const = default;
};

struct TlsRefusal {
  SmtpReply reply;
  std::string reason;  // for the log
};

/// Why this client may not send mail, if so. Of `requirements` the first that is for `client`
/// decides, for one whose address is not known the strictest. `version` is what the MTA calls its
/// TLS, empty for none; a text that is not a version of TLS meets no requirement.
std::optional<TlsRefusal> tls_refusal(const std::vector<TlsRequirement>& requirements,
                                      const std::optional<IpAddress>& client,
                                      std::string_view version);

}  // namespace authmilter
