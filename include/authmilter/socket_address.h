#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <authmilter/ip_address.h>
#include <authmilter/result.h>

namespace authmilter {

/// An address and a port of it.
struct HostPort {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:80", or "[2001:db8::1]:80": an IPv6 address without brackets could end in the port.
  /// No names, and no port 0.
  static std::optional<HostPort> parse(std::string_view text);
  /// In the same notation.
  std::string text() const;

  auto operator<=>(const HostPort&) const = default;
};

/// An MTA's way to the milter: a file, or a port of the network.
class SocketAddress {
 public:
  /// libmilter's notation: "unix:/PATH" (or "local:"), "inet:PORT@ADDRESS" or
  /// "inet6:PORT@[ADDRESS]", the last two with "localhost" too. The error reads after the text: "is
  /// not a socket, ...".
  static Result<SocketAddress> parse(std::string_view text);
  /// `path` is absolute, and short enough for unix(7).
  static SocketAddress of_file(std::filesystem::path path) {
    return SocketAddress(std::move(path));
  }

  /// The file; null for a port of the network.
  const std::filesystem::path* file() const { return std::get_if<std::filesystem::path>(&place_); }
  /// Nobody but this host reaches it.
  bool is_of_this_host() const;
  /// As libmilter reads it.
  std::string text() const;

  bool operator==(const SocketAddress&) const = default;

 private:
  struct Port {
    IpAddress::Family family;
    std::optional<IpAddress> address;  // nothing: "localhost", which libmilter looks up
    std::uint16_t number;
    bool operator==(const Port&) const = default;
  };
  using Place = std::variant<std::filesystem::path, Port>;
  explicit SocketAddress(Place place) : place_(std::move(place)) {}
  static std::optional<SocketAddress> of_port(std::string_view text, IpAddress::Family family);

  Place place_;
};

}  // namespace authmilter
