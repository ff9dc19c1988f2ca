#pragma once

#include <optional>
#include <string>

#include <authmilter/policy.h>

namespace authmilter {

/// One line for the log: no parentheses, so that it can stand in a comment of a header field.
std::string reason_of(Rule rule, const Findings& findings);
/// For reject and tempfail; nothing for the others.
std::optional<SmtpReply> reply_for(Disposition disposition, Rule rule, const Findings& findings);
/// The same for Rule::override_temperror: of the signature that the DNS leaves undecided.
std::string reason_of_undecided(const DkimOutcome& signature);
SmtpReply reply_for_undecided(const DkimOutcome& signature);

}  // namespace authmilter
