#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace authmilter {

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address becomes the IPv4 address
/// on construction (RFC 7208 section 5), so there is one form of each client.
class IpAddress {
 public:
  enum class Family : std::uint8_t { v4, v6 };

  /// Textual form without brackets, scope or prefix length (RFC 4291, RFC 5952; dotted quad
  /// without leading zeros).
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::span<const std::uint8_t, 4> octets);
  static IpAddress v6(std::span<const std::uint8_t, 16> octets);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  /// 4 or 16 octets, network order.
  std::span<const std::uint8_t> octets() const { return {octets_.data(), is_v4() ? 4U : 16U}; }
  /// Canonical text: dotted quad, or RFC 5952.
  std::string text() const;
  /// The name of its PTR record, for example `1.2.0.192.in-addr.arpa`.
  std::string reverse_name() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> octets_{};
};

/// 127.0.0.0/8 or ::1: this host.
bool is_loopback(const IpAddress& address);

/// False for an address that is not one host's to everybody: private, shared, link-local,
/// loopback, multicast, reserved (RFC 6890). Those for documentation count as others do, since no
/// host has one and examples have nothing else.
bool is_global(const IpAddress& address);

/// An address block in CIDR notation. The bits after the prefix are ignored in comparisons.
class Network {
 public:
  /// "192.0.2.0/24", "2001:db8::/32", or a single address.
  static std::optional<Network> parse(std::string_view text);
  Network(IpAddress address, unsigned prefix_length);

  bool contains(const IpAddress& address) const;
  const IpAddress& address() const { return address_; }
  unsigned prefix_length() const { return prefix_length_; }
  std::string text() const;

  bool operator==(const Network&) const = default;

 private:
  IpAddress address_;
  unsigned prefix_length_;
};

}  // namespace authmilter
