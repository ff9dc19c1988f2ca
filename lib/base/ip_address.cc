#include <authmilter/ip_address.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::size_t kTextOctets = 45;  // INET6_ADDRSTRLEN without its NUL
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > kTextOctets || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string copy(text);
  std::array<std::uint8_t, 16> octets{};
  if (inet_pton(AF_INET, copy.c_str(), octets.data()) == 1) {
    return v4(std::span<const std::uint8_t, 4>(octets.data(), 4));
  }
  if (inet_pton(AF_INET6, copy.c_str(), octets.data()) == 1) return v6(octets);
  return std::nullopt;
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> octets) {
  IpAddress address;
  std::copy(octets.begin(), octets.end(), address.octets_.begin());
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> octets) {
  // RFC 7208 section 5: a mapped address is evaluated as the IPv4 address it stands for.
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin()))
    return v4(octets.last<4>());
  IpAddress address;
  address.family_ = Family::v6;
  std::copy(octets.begin(), octets.end(), address.octets_.begin());
  return address;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, octets_.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::string IpAddress::reverse_name() const {
  std::string name;
  const auto bytes = octets();
  for (auto octet = bytes.rbegin(); octet != bytes.rend(); ++octet) {
    name += is_v4() ? fmt::format("{}.", *octet)
                    : fmt::format("{:x}.{:x}.", *octet & 15U, *octet >> 4U);
  }
  return name + (is_v4() ? "in-addr.arpa" : "ip6.arpa");
}

Network::Network(IpAddress address, unsigned prefix_length)
    : address_(address),
      prefix_length_(std::min<unsigned>(prefix_length, address.is_v4() ? 32 : 128)) {}

bool is_loopback(const IpAddress& address) {
  static const Network kLoopback[] = {*Network::parse("127.0.0.0/8"), *Network::parse("::1")};
  return std::any_of(std::begin(kLoopback), std::end(kLoopback),
                     [&](const Network& network) { return network.contains(address); });
}

bool is_global(const IpAddress& address) {
  static const Network kOthers[] = {
      *Network::parse("0.0.0.0/8"),       // this network
      *Network::parse("10.0.0.0/8"),      // RFC 1918
      *Network::parse("100.64.0.0/10"),   // RFC 6598
      *Network::parse("127.0.0.0/8"),     // loopback
      *Network::parse("169.254.0.0/16"),  // link-local, RFC 3927
      *Network::parse("172.16.0.0/12"),   // RFC 1918
      *Network::parse("192.0.0.0/24"),    // RFC 6890
      *Network::parse("192.168.0.0/16"),  // RFC 1918
      *Network::parse("198.18.0.0/15"),   // benchmarks, RFC 2544
      *Network::parse("224.0.0.0/3"),     // multicast, and what is reserved, with broadcast
      *Network::parse("::/8"),            // unspecified, loopback, translated (RFC 6052)
      *Network::parse("100::/8"),         // discard-only, RFC 6666
      *Network::parse("fc00::/7"),        // unique local, RFC 4193
      *Network::parse("fe80::/9"),        // link-local, and what was site-local
      *Network::parse("ff00::/8"),        // multicast
  };
  return std::none_of(std::begin(kOthers), std::end(kOthers),
                      [&](const Network& network) { return network.contains(address); });
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned longest = address->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Network(*address, longest);
  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  unsigned prefix_length = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), prefix_length);
  // "::ffff:192.0.2.0/120" names the IPv4 block by its mapped form.
  const bool mapped = address->is_v4() && text.substr(0, slash).find(':') != std::string_view::npos;
  if (mapped) {
    if (prefix_length < 96 || prefix_length > 128) return std::nullopt;
    prefix_length -= 96;
  }
  if (prefix_length > longest) return std::nullopt;
  return Network(*address, prefix_length);
}

bool Network::contains(const IpAddress& address) const {
  if (address.family() != address_.family()) return false;
  const auto mine = address_.octets();
  const auto theirs = address.octets();
  const unsigned whole = prefix_length_ / 8;
  if (!std::equal(mine.begin(), mine.begin() + whole, theirs.begin())) return false;
  const unsigned rest = prefix_length_ % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (8 - rest) & 0xffU;
  return (mine[whole] & mask) == (theirs[whole] & mask);
}

std::string Network::text() const { return fmt::format("{}/{}", address_.text(), prefix_length_); }

}  // namespace authmilter
