#pragma once

#include <optional>
#include <span>
#include <string>

#include <authmilter/message_record.h>

namespace authmilter {

/// What the MTA shall do with a message.
struct Answer {
  Disposition action = Disposition::tempfail;
  std::optional<SmtpReply> reply;     // for reject and tempfail
  std::span<const HeaderEdit> edits;  // in the order to apply; empty unless the message goes on
  std::string quarantine_reason;      // for quarantine, short
};

/// Borrows `record`. Pure.
Answer answer_to(const MessageRecord& record);

}  // namespace authmilter
