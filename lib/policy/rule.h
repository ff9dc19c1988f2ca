#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/policy.h>

namespace authmilter {

/// What of the findings decides about a message.
enum class Rule : std::uint8_t {
  dmarc_pass,
  dmarc_reject,
  dmarc_quarantine,
  dmarc_none,
  dmarc_temperror,
  dmarc_permerror,
  spf_fail,
  spf_softfail,
  spf_temperror,
  spf_permerror,
  nothing,
};
/// "dmarc.reject", "spf.fail", "default".
std::string_view to_string(Rule rule);

/// One line for the log: no parentheses, so that it can stand in a comment of a header field.
std::string reason_of(Rule rule, const Findings& findings);
/// For reject and tempfail; nothing for the others.
std::optional<SmtpReply> reply_for(Disposition disposition, Rule rule, const Findings& findings);

/// The SPF result that policy looks at: the MAIL FROM identity's (RFC 7208 section 2.4), else the
/// first there is; null when SPF did not run. A separate HELO result is reported only: hosts' names
/// are often covered by a wildcard record that was meant for mailboxes.
const SpfOutcome* deciding_spf(const Findings& findings);

}  // namespace authmilter
