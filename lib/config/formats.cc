#include "config/formats.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include <authmilter/dkim.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::size_t kGroupOctets = 32;      // groupadd(8)
constexpr std::size_t kFieldNameOctets = 76;  // one line of an h= tag
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

Result<SocketAddress> parse_socket(std::string_view text) {
  auto socket = SocketAddress::parse(text);
  if (socket) return socket;
  return refuse(text, socket.error().message);
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

Result<NameServer> parse_nameserver(std::string_view text) {
  auto server = NameServer::parse(text);
  if (server) return *std::move(server);
  return refuse(text, "is not a name server, write \"ADDRESS\" or \"ADDRESS@PORT\"");
}

Result<std::optional<HostPort>> parse_listen(std::string_view text) {
  auto place = HostPort::parse(text);
  if (place || text.empty()) return place;
  return refuse(text,
                "is not an address to listen on, write \"ADDRESS:PORT\" or \"[ADDRESS]:PORT\"");
}

Result<Network> parse_network(std::string_view text) {
  const auto network = Network::parse(text);
  if (network) return *network;
  return refuse(text, "is not an address or network, write for example \"192.0.2.0/24\"");
}

Result<DomainName> parse_domain(std::string_view text) {
  auto domain = DomainName::parse(text);
  if (domain) return *std::move(domain);
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
