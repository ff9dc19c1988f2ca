#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/ip_address.h>
#include <authmilter/network_set.h>
#include <authmilter/smtp_reply.h>

namespace authmilter {

/// How a client's connection is encrypted, weakest first. SSL is no better than `none`.
enum class TlsLevel : std::uint8_t { none, tls1_0, tls1_1, tls1_2, tls1_3 };
/// As OpenSSL and the MTAs write it: "TLSv1", "TLSv1.2"; "none".
std::string_view to_string(TlsLevel version);

/// `[[network.require_tls]]`.
struct TlsRequirement {
  NetworkSet clients;
  TlsLevel minimum = TlsLevel::tls1_2;  // none: these clients need no TLS
  bool operator==(const TlsRequirement&) const = default;
};

/// The requirements in the order of the file. The first that is for a client is found without a
/// look at the others. Immutable.
class TlsRequirements {
 public:
  TlsRequirements() = default;
  TlsRequirements(std::vector<TlsRequirement> requirements);  // NOLINT: it is the same list
  TlsRequirements(std::initializer_list<TlsRequirement> requirements)
      : TlsRequirements(std::vector(requirements)) {}

  /// The first that is for this client, null when none is. For one whose address is not known the
  /// strictest of all.
  const TlsRequirement* find(const std::optional<IpAddress>& client) const;

  bool empty() const { return requirements_.empty(); }
  std::size_t size() const { return requirements_.size(); }
  auto begin() const { return requirements_.begin(); }
  auto end() const { return requirements_.end(); }
  const TlsRequirement& operator[](std::size_t place) const { return requirements_[place]; }
  bool operator==(const TlsRequirements& other) const {
    return requirements_ == other.requirements_;
  }

 private:
  std::vector<TlsRequirement> requirements_;
  NetworkIndex clients_;
  NetworkIndex loopback_clients_;  // of networks that lie within loopback
  std::size_t strictest_ = 0;
};

struct TlsRefusal {
  SmtpReply reply;
  std::string reason;  // for the log
};

/// Why this client may not send mail, if so. Of `requirements` the first that is for `client`
/// decides, for one whose address is not known the strictest. `version` is what the MTA calls its
/// TLS, empty for none; a text that is not a version of TLS meets no requirement.
std::optional<TlsRefusal> tls_refusal(const TlsRequirements& requirements,
                                      const std::optional<IpAddress>& client,
                                      std::string_view version);

}  // namespace authmilter
