#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/authentication_results.h>
#include <authmilter/dns_answer.h>
#include <authmilter/domain_name.h>
#include <authmilter/findings.h>

namespace authmilter {

/// What a method beside SPF, DKIM and DMARC has found, in the form in which everybody tells of it:
/// the results field, the log line, `authmilter verify`.
struct MethodFinding {
  std::string_view method;          // "arc"; this and the next are literals, keys of the log
  std::string_view domain_key;      // "arc_domain"
  MethodResult entry;               // of the results field: fixed words, checked values
  std::string reason;               // with its detail, for people; empty for a pass
  std::vector<DomainName> domains;  // who vouches, as they come
  std::optional<FailedLookup> undecided_by;  // the look-up that left it open
  /// Label and text for an explanation; printable ASCII.
  std::vector<std::pair<std::string, std::string>> details;
};

/// Those that had something to judge, in the order in which they stand behind DMARC's result. One
/// more method is one more entry here, and whoever tells of them stays as it is.
std::vector<MethodFinding> other_methods(const Findings& findings);

}  // namespace authmilter
