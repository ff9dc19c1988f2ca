#include <authmilter/socket_address.h>

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/port.h"

namespace authmilter {
namespace {

constexpr std::size_t kPathOctets = 107;  // sun_path of unix(7) without its NUL
constexpr std::string_view kLocalhost = "localhost";

std::string_view without_brackets(std::string_view text) {
  const bool has_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  return has_brackets ? text.substr(1, text.size() - 2) : text;
}

/// An IPv6 address has its own colons.
std::string bracketed(const IpAddress& address) {
  return address.is_v4() ? address.text() : "[" + address.text() + "]";
}

Result<SocketAddress> parse_file(std::string_view path) {
  if (path.empty() || path.front() != '/') return Error{"needs an absolute path"};
  if (path.size() > kPathOctets)
    return Error{fmt::format("has a path longer than {} octets", kPathOctets)};
  if (path.back() == '/' || !std::all_of(path.begin(), path.end(), is_visible))
    return Error{"has no usable path"};
  return SocketAddress::of_file(path);
}

}  // namespace

std::optional<HostPort> HostPort::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const auto address = IpAddress::parse(without_brackets(host));
  const auto port = parse_port(text.substr(colon + 1));
  if (!address || !port || host.starts_with('[') == address->is_v4()) return std::nullopt;
  return HostPort{*address, *port};
}

std::string HostPort::text() const { return fmt::format("{}:{}", bracketed(address), port); }

std::optional<SocketAddress> SocketAddress::of_port(std::string_view text,
                                                    IpAddress::Family family) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto number = parse_port(text.substr(0, at));
  if (!number) return std::nullopt;
  const std::string_view host = text.substr(at + 1);
  if (equals_ignoring_case(host, kLocalhost))
    return SocketAddress(Port{family, std::nullopt, *number});
  const auto address = IpAddress::parse(without_brackets(host));
  if (!address || address->family() != family) return std::nullopt;
  return SocketAddress(Port{family, address, *number});
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  for (const std::string_view scheme : {"unix:", "local:"}) {
    if (text.starts_with(scheme)) return parse_file(text.substr(scheme.size()));
  }
  // Without an address libmilter would listen on all of them; who wants that can write 0.0.0.0.
  if (text.starts_with("inet:")) {
    if (auto inet = of_port(text.substr(5), IpAddress::Family::v4)) return *std::move(inet);
    return Error{"is not a socket, write \"inet:PORT@ADDRESS\" with an IPv4 address"};
  }
  if (text.starts_with("inet6:")) {
    if (auto inet6 = of_port(text.substr(6), IpAddress::Family::v6)) return *std::move(inet6);
    return Error{"is not a socket, write \"inet6:PORT@[ADDRESS]\" with an IPv6 address"};
  }
  return Error{
      "is not a socket, write \"unix:/PATH\", \"inet:PORT@ADDRESS\" or \"inet6:PORT@[ADDRESS]\""};
}

bool SocketAddress::is_of_this_host() const {
  const Port* port = std::get_if<Port>(&place_);
  return port == nullptr || !port->address || is_loopback(*port->address);
}

std::string SocketAddress::text() const {
  if (const auto* path = file()) return "unix:" + path->string();
  const Port& port = std::get<Port>(place_);
  return fmt::format("{}:{}@{}", port.family == IpAddress::Family::v4 ? "inet" : "inet6",
                     port.number,
                     port.address ? bracketed(*port.address) : std::string(kLocalhost));
}

}  // namespace authmilter
