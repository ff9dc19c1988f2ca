#pragma once

#include <string_view>

#include <authmilter/policy_record.h>
#include <authmilter/result.h>

namespace authmilter {

/// True when `text` begins with the version tag, so that it counts as a DMARC Policy Record. All
/// else at `_dmarc` is none of our business.
bool is_policy_record(std::string_view text);

/// Reads a text for which is_policy_record() is true, of any length: one TXT record has at most
/// 65,535 octets (RFC 1035 section 3.2.1), the time is linear in it, and what is kept is bounded. A
/// limit below that would make a policy vanish that others see. An error means that the whole
/// record is to be ignored; single bad tags are not errors.
Result<PolicyRecord> parse_policy_record(std::string_view text);

}  // namespace authmilter
