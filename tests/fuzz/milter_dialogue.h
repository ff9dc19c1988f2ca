#pragma once

#include <optional>
#include <string>
#include <vector>

#include <authmilter/message.h>
#include <authmilter/verify.h>

#include "milter_wire.h"

namespace authmilter::fuzz {

/// What the daemon says at the end of a message: changes, then the packet that ends it.
struct Answer {
  std::vector<HeaderEdit> edits;  // values with their leading blank, as they come
  bool quarantine = false;
  Packet last;

  bool accepted() const { return last.command == 'c'; }
};

/// Everything that the daemon has sent on one connection. That each packet is well-formed, and that
/// changes stand where they may, are promises that this checks.
struct Replies {
  explicit Replies(std::string_view octets);
  /// An answer without changes is not told from any other reply that means "go on".
  std::vector<Answer> answers;
};

/// A message of a dialogue that kept the protocol's order up to its end.
struct OrderlyMessage {
  Message message;  // as the MTA holds it
  bool sendmail;    // whether fields may be rewritten before they are signed
  bool may_quarantine;
  Answer answer;
};

/// Follows a dialogue for as long as the MTA keeps the protocol's order, and checks that every
/// command gets the one reply that it calls for.
std::vector<OrderlyMessage> follow(const std::vector<Packet>& sent, const Replies& replies);

/// The most replies that these packets may get.
std::size_t most_replies(const std::vector<Packet>& sent);

}  // namespace authmilter::fuzz
