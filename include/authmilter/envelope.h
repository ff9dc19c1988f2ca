#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/ip_address.h>
#include <authmilter/message.h>

namespace authmilter {

/// Which MTA a message is from, as far as it changes what we do.
enum class Mta : std::uint8_t { other, sendmail };

/// What the MTA knows of a message before its content.
struct Envelope {
  std::optional<IpAddress> client;  // nothing: none, or one that the MTA does not know
  Helo helo;
  ReversePath mail_from;
  std::vector<ReversePath> recipients;  // forward-paths; the grammar is the same
  std::string auth_user;                // empty: not authenticated
  std::string daemon_name;              // of the MTA's listener, {daemon_name}; empty: not known
  std::string queue_id;                 // for the log
  /// Made by a program on the MTA's host. Only that makes a message without a client one of ours: a
  /// client that has reset its connection has no address any more, either.
  bool submitted_here = false;
  /// False when the MTA takes no quarantine: a message to be held is tagged instead.
  bool quarantine_offered = true;
  Mta mta = Mta::other;
};

}  // namespace authmilter
