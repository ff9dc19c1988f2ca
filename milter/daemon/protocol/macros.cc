#include "protocol/macros.h"

#include <array>
#include <cstddef>

namespace authmilter {
namespace {

// Longer than any login name, queue id or version; an MTA passes what a client typed.
constexpr std::size_t kMacroOctets = 1024;

constexpr std::array kRequests = {
    MacroRequest{MacroStage::connect, "v {daemon_name}"},
    // An empty list cannot be asked for, and without one the MTA sends all it has.
    MacroRequest{MacroStage::helo, "j"},
    // {mail_addr} is always there. Without a macro to send for this MAIL, libmilter would still
    // answer with those of the last one.
    MacroRequest{MacroStage::mail, "i {auth_authen} {client_addr} {mail_addr} {tls_version}"},
    MacroRequest{MacroStage::rcpt, "i"},
    MacroRequest{MacroStage::end_of_headers, "i"},
    MacroRequest{MacroStage::end_of_message, "i"},
};

}  // namespace

std::span<const MacroRequest> macro_requests() { return kRequests; }

Mta mta(const MacroSource& macros) {
  // Postfix says "Postfix 3.7.11", or what its administrator has put there.
  return macros.get("v").starts_with("8.") ? Mta::sendmail : Mta::other;
}

std::string queue_id(const MacroSource& macros) {
  return std::string(macros.get("i").substr(0, kMacroOctets));
}

std::string auth_user(const MacroSource& macros) {
  const std::string_view user = macros.get("{auth_authen}");
  if (user.size() <= kMacroOctets) return std::string(user);
  // What is cut off may be the domain. With a sign at its end it names none, and signs for nobody.
  return std::string(user.substr(0, kMacroOctets - 1)) + '@';
}

std::string tls_version(const MacroSource& macros) {
  return std::string(macros.get("{tls_version}").substr(0, kMacroOctets));
}

std::string daemon_name(const MacroSource& macros) {
  return std::string(macros.get("{daemon_name}").substr(0, kMacroOctets));
}

std::optional<IpAddress> named_client(const MacroSource& macros) {
  // RFC 5321 section 4.1.3: in an address literal this stands before an IPv6 address.
  constexpr std::string_view kTag = "IPv6:";
  std::string_view text = macros.get("{client_addr}");
  if (text.starts_with(kTag)) text.remove_prefix(kTag.size());
  return IpAddress::parse(text);
}

}  // namespace authmilter
