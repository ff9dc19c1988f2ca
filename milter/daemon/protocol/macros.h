#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <authmilter/ip_address.h>
#include <authmilter/verify.h>

namespace authmilter {

/// Where the macros of one connection are read; the MTA decides which there are.
class MacroSource {
 public:
  virtual ~MacroSource() = default;
  /// Empty when the MTA did not send it.
  virtual std::string_view get(const char* name) const = 0;
};

/// The stages of the protocol at which an MTA sends macros.
enum class MacroStage { connect, helo, mail, rcpt, end_of_headers, end_of_message };

struct MacroRequest {
  MacroStage stage;
  const char* names;  // separated by blanks
};
/// What we ask the MTA to send. Nothing else is used, and fewer macros are less work for both
/// sides.
std::span<const MacroRequest> macro_requests();

/// Which MTA this is. Its version is in {v}: Sendmail has nothing but the number there, Postfix
/// says its name first.
Mta mta(const MacroSource& macros);

/// The queue id, for the log; empty when there is none yet. Postfix gives one out with the first
/// recipient, so it is best asked for at the end of the message.
std::string queue_id(const MacroSource& macros);

/// The name under which the client authenticated; empty when it did not. Of all macros only this
/// one, {tls_version} and {daemon_name} are trusted: the MTA sets them from what it did itself,
/// while {client_name} and the like repeat what the client's DNS says.
std::string auth_user(const MacroSource& macros);

/// The version of TLS on the client's connection in the MTA's words, "TLSv1.3"; empty when there is
/// no TLS. Read at MAIL, since STARTTLS comes between two HELO.
std::string tls_version(const MacroSource& macros);

/// What the MTA calls the listener that the client connected to. The administrator gives the name,
/// so it is trusted too.
std::string daemon_name(const MacroSource& macros);

/// Whose message this is, in {client_addr}; nothing when it has no address. Only for comparison
/// with what the MTA said when its client connected.
std::optional<IpAddress> named_client(const MacroSource& macros);

}  // namespace authmilter
