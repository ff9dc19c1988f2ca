#pragma once

#include <optional>
#include <string>

#include <authmilter/policy.h>

namespace authmilter {

/// One line for the log: no parentheses, so that it can stand in a comment of a header field.
std::string reason_of(Rule rule, const Findings& findings);
/// For reject and tempfail; nothing for the others.
std::optional<SmtpReply> reply_for(Disposition disposition, Rule rule, const Findings& findings);

}  // namespace authmilter
