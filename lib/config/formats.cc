#include "config/formats.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include <authmilter/dkim.h>
#include <authmilter/domain_name.h>

#include "base/ascii.h"
#include "dns/name_server.h"

namespace authmilter {
namespace {

constexpr std::size_t kSocketPathOctets = 107;  // sun_path of unix(7) without its NUL
constexpr std::size_t kGroupOctets = 32;        // groupadd(8)
constexpr std::size_t kFieldNameOctets = 76;    // one line of an h= tag
constexpr std::size_t kSubjectTagOctets = 200;

Error refuse(std::string_view text, std::string_view complaint) {
  return Error{fmt::format("\"{}\" {}", printable(text), complaint)};
}

std::optional<unsigned> parse_decimal(std::string_view text) {
  constexpr std::size_t kDigits = 9;  // fits in 32 bits
  if (text.empty() || text.size() > kDigits || !std::all_of(text.begin(), text.end(), is_digit)) {
    return std::nullopt;
  }
  unsigned number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::optional<unsigned> parse_port(std::string_view text) {
  const auto port = parse_decimal(text);
  return port && *port >= 1 && *port <= 65535 ? port : std::nullopt;
}

std::string_view without_brackets(std::string_view text) {
  const bool has_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  return has_brackets ? text.substr(1, text.size() - 2) : text;
}

/// An IPv6 address has its own colons.
std::string bracketed(const IpAddress& address) {
  return address.is_v4() ? address.text() : "[" + address.text() + "]";
}

/// The part after "inet:" or "inet6:".
std::optional<std::string> parse_inet_socket(std::string_view text, IpAddress::Family family) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(0, at));
  if (!port) return std::nullopt;
  const std::string_view host = text.substr(at + 1);
  if (equals_ignoring_case(host, "localhost")) return fmt::format("{}@localhost", *port);
  const auto address = IpAddress::parse(without_brackets(host));
  if (!address || address->family() != family) return std::nullopt;
  return fmt::format("{}@{}", *port, bracketed(*address));
}

Result<std::string> parse_unix_socket(std::string_view text, std::string_view path) {
  if (path.empty() || path.front() != '/') return refuse(text, "needs an absolute path");
  if (path.size() > kSocketPathOctets)
    return refuse(text, fmt::format("has a path longer than {} octets", kSocketPathOctets));
  if (path.back() == '/' || !std::all_of(path.begin(), path.end(), is_visible))
    return refuse(text, "has no usable path");
  return fmt::format("unix:{}", path);
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    unsigned milliseconds;
  };
  // "ms" before "m" and "s".
  constexpr Unit kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  for (const auto& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto number = parse_decimal(text.substr(0, text.size() - unit.suffix.size()));
    if (!number) break;
    return std::chrono::milliseconds(std::chrono::milliseconds::rep{*number} * unit.milliseconds);
  }
  return refuse(text, "is not a duration, write for example \"500ms\", \"5s\" or \"2m\"");
}

std::string print_duration(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? fmt::format("{}s", count / 1000) : fmt::format("{}ms", count);
}

Result<std::string> parse_socket(std::string_view text) {
  for (const std::string_view scheme : {"unix:", "local:"}) {
    if (text.starts_with(scheme)) return parse_unix_socket(text, text.substr(scheme.size()));
  }
  // Without an address libmilter would listen on all of them; who wants that can write 0.0.0.0.
  if (text.starts_with("inet:")) {
    const auto inet = parse_inet_socket(text.substr(5), IpAddress::Family::v4);
    if (inet) return fmt::format("inet:{}", *inet);
    return refuse(text, "is not a socket, write \"inet:PORT@ADDRESS\" with an IPv4 address");
  }
  if (text.starts_with("inet6:")) {
    const auto inet6 = parse_inet_socket(text.substr(6), IpAddress::Family::v6);
    if (inet6) return fmt::format("inet6:{}", *inet6);
    return refuse(text, "is not a socket, write \"inet6:PORT@[ADDRESS]\" with an IPv6 address");
  }
  return refuse(text,
                "is not a socket, write \"unix:/PATH\", \"inet:PORT@ADDRESS\" or "
                "\"inet6:PORT@[ADDRESS]\"");
}

Result<unsigned> parse_socket_mode(std::string_view text) {
  const bool octal =
      (text.size() == 3 || (text.size() == 4 && text.front() == '0')) &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c < '8'; });
  if (!octal) return refuse(text, "is not a mode, write octal digits such as \"0660\"");
  unsigned mode = 0;
  std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  return mode;
}

Result<std::string> parse_group(std::string_view text) {
  const bool good = text.size() <= kGroupOctets && !text.starts_with('-') &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '$';
                    });
  if (!good) return refuse(text, "is not the name of a group");
  return std::string(text);
}

Result<std::string> parse_nameserver(std::string_view text) {
  const auto server = NameServer::parse(text);
  if (server) return server->text();
  return refuse(text, "is not a name server, write \"ADDRESS\" or \"ADDRESS@PORT\"");
}

Result<std::string> parse_listen(std::string_view text) {
  if (text.empty()) return std::string();
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view host = text.substr(0, colon);
    const auto port = parse_port(text.substr(colon + 1));
    const auto address = IpAddress::parse(without_brackets(host));
    // An IPv6 address without brackets could end in the port.
    if (port && address && host.starts_with('[') != address->is_v4())
      return fmt::format("{}:{}", bracketed(*address), *port);
  }
  return refuse(text,
                "is not an address to listen on, write \"ADDRESS:PORT\" or \"[ADDRESS]:PORT\"");
}

Result<Network> parse_network(std::string_view text) {
  const auto network = Network::parse(text);
  if (network) return *network;
  return refuse(text, "is not an address or network, write for example \"192.0.2.0/24\"");
}

Result<std::string> parse_domain(std::string_view text) {
  const auto domain = DomainName::parse(text);
  if (domain) return domain->text();
  return refuse(text, "is not a domain name");
}

Result<DomainPattern> parse_domain_pattern(std::string_view text) {
  auto pattern = DomainPattern::parse(text);
  if (pattern) return std::move(*pattern);
  return refuse(text, "is not a domain name, write \"example.org\" or \"*.example.org\"");
}

Result<AddressPattern> parse_mail_from_pattern(std::string_view text) {
  if (text == "<>") return AddressPattern{};
  return parse_recipient_pattern(text);
}

Result<AddressPattern> parse_recipient_pattern(std::string_view text) {
  auto pattern = AddressPattern::parse(text);
  if (pattern && !pattern->is_null()) return std::move(*pattern);
  return refuse(text,
                "is not an address, write \"user@example.org\", \"@example.org\", "
                "\"example.org\" or \"*.example.org\"");
}

Result<std::string> parse_signed_header(std::string_view text) {
  // RFC 5322 section 3.6.8 allows any printable character but the colon. Real names have letters,
  // digits and hyphens; a ';' or a blank would end or fold the h= tag (RFC 6376 section 3.5).
  const bool name = !text.empty() && text.size() <= kFieldNameOctets &&
                    std::all_of(text.begin(), text.end(),
                                [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
  if (!name) return refuse(text, "is not the name of a header field");
  std::string lower = to_lower(text);
  if (!can_be_signed(lower)) {
    return refuse(text,
                  "must not be signed, since mail servers add, change or remove it on the way: "
                  "take it off the list");
  }
  return lower;
}

Result<std::string> parse_subject_tag(std::string_view text) {
  // It goes into a header field as it stands (RFC 5322 section 2.2).
  if (!std::all_of(text.begin(), text.end(), is_printable))
    return refuse(text, "must be printable ASCII");
  if (text.size() > kSubjectTagOctets)
    return refuse(text, fmt::format("is longer than {} octets", kSubjectTagOctets));
  return std::string(text);
}

Result<std::string> parse_path(std::string_view text) {
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (text.empty() || control) return refuse(text, "is not the name of a file");
  return std::string(text);
}

Result<std::string> parse_optional_path(std::string_view text) {
  if (text.empty()) return std::string();
  return parse_path(text);
}

}  // namespace authmilter
