#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/ip_address.h>

namespace authmilter {

/// Where a name server is asked. A link-local IPv6 address needs the interface that it is on as its
/// scope (RFC 4007 section 11); nothing else may have one.
class NameServer {
 public:
  static constexpr std::uint16_t kPort = 53;

  /// "ADDRESS" or "ADDRESS@PORT"; an IPv6 address may end in "%INTERFACE".
  static std::optional<NameServer> parse(std::string_view text);
  /// The server on this host that programs ask where none is named (resolv.conf(5)).
  static NameServer local();

  const IpAddress& address() const { return address_; }
  std::uint16_t port() const { return port_; }
  /// The name or number of the interface; empty without.
  const std::string& scope() const { return scope_; }
  /// As parse() and libunbound read it. Port 53 is left out.
  std::string text() const;

  auto operator<=>(const NameServer&) const = default;

 private:
  explicit NameServer(IpAddress address) : address_(address) {}

  IpAddress address_;
  std::string scope_;
  std::uint16_t port_ = kPort;
};

}  // namespace authmilter
