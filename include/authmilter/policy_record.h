#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>

namespace authmilter {

/// RFC 9989 section 4.7, `p`: what the Domain Owner asks for.
enum class AssessmentPolicy : std::uint8_t { none, quarantine, reject };
std::string_view to_string(AssessmentPolicy policy);

enum class AlignmentMode : std::uint8_t { relaxed, strict };

/// RFC 9989 section 4.7, `psd`: whether others register names below this one.
enum class PsdFlag : std::uint8_t { u, y, n };

/// The tag of a record that gives the policy (RFC 9989 section 4.7).
enum class PolicyTag : std::uint8_t { p, sp, np };
std::string_view to_string(PolicyTag tag);

/// One mailbox that reports may be sent to: a dot-atom and a domain, so that no two programs read
/// it differently.
struct ReportAddress {
  std::string mailbox;  // "dmarc@Example.org", as published; printable ASCII, no '%'
  DomainName domain;    // of it
  std::string uri() const { return "mailto:" + mailbox; }
  bool operator==(const ReportAddress&) const = default;
};

/// The destinations of one `rua` or `ruf` tag (RFC 9989 section 4.6).
struct ReportDestinations {
  /// At least one URI is syntactically valid, of whatever scheme.
  bool any_valid = false;
  /// Those that a report could be sent to: `mailto:` with one plain address, the obsolete size
  /// taken off, the first few.
  std::vector<ReportAddress> addresses;
  bool operator==(const ReportDestinations&) const = default;
};

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
  ReportDestinations rua, ruf;
  std::vector<std::string> notes;  // what was ignored, for people
};

}  // namespace authmilter
