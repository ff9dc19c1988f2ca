#include <authmilter/name_server.h>

#include <algorithm>
#include <cstddef>

#include "base/ascii.h"
#include "base/port.h"

namespace authmilter {
namespace {

// IFNAMSIZ of Linux, less the NUL.
constexpr std::size_t kInterfaceOctets = 15;

bool is_interface(std::string_view name) {
  return !name.empty() && name.size() <= kInterfaceOctets &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
}

/// RFC 4291 section 2.5.6: fe80::/10.
bool is_link_local(const IpAddress& address) {
  return !address.is_v4() && address.octets()[0] == 0xfe && (address.octets()[1] & 0xc0) == 0x80;
}

}  // namespace

std::optional<NameServer> NameServer::parse(std::string_view text) {
  const auto at = text.find('@');
  const auto percent = text.substr(0, at).find('%');
  const auto address = IpAddress::parse(text.substr(0, std::min(at, percent)));
  if (!address) return std::nullopt;
  NameServer server(*address);
  if (percent != std::string_view::npos) {
    const auto scope = text.substr(0, at).substr(percent + 1);
    if (!is_link_local(*address) || !is_interface(scope)) return std::nullopt;
    server.scope_ = scope;
  }
  if (at != std::string_view::npos) {
    const auto port = parse_port(text.substr(at + 1));
    if (!port) return std::nullopt;
    server.port_ = *port;
  }
  return server;
}

NameServer NameServer::local() { return NameServer(IpAddress::parse("127.0.0.1").value()); }

std::string NameServer::text() const {
  std::string text = address_.text();
  if (!scope_.empty()) text += '%' + scope_;
  if (port_ != kPort) text += '@' + std::to_string(port_);
  return text;
}

}  // namespace authmilter
