#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dmarc.h>
#include <authmilter/result.h>

#include "dmarc/report_uri.h"

namespace authmilter {

/// RFC 9989 section 4.7, `psd`: whether others register names below this one.
enum class PsdFlag : std::uint8_t { u, y, n };

/// A DMARC Policy Record (RFC 9989 section 4.7) with its defaults filled in.
struct PolicyRecord {
  std::string text;  // as published; printable ASCII, cut
  std::optional<AssessmentPolicy> p, sp, np;
  /// `p` is missing or not valid, or `sp` or `np` is there and not valid (RFC 9989 section 4.10.1).
  bool invalid_policy = false;
  PsdFlag psd = PsdFlag::u;
  bool testing = false;  // t=y
  AlignmentMode adkim = AlignmentMode::relaxed;
  AlignmentMode aspf = AlignmentMode::relaxed;
  std::string fo = "0";  // lower case
  ReportUris rua, ruf;
  std::vector<std::string> notes;  // what was ignored, for people
};

/// True when `text` begins with the version tag, so that it counts as a DMARC Policy Record. All
/// else at `_dmarc` is none of our business.
bool is_policy_record(std::string_view text);

/// Reads a text for which is_policy_record() is true, of any length: one TXT record has at most
/// 65,535 octets (RFC 1035 section 3.2.1), the time is linear in it, and what is kept is bounded. A
/// limit below that would make a policy vanish that others see. An error means that the whole
/// record is to be ignored; single bad tags are not errors.
Result<PolicyRecord> parse_policy_record(std::string_view text);

}  // namespace authmilter
