#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// The destinations of one `rua` or `ruf` tag (RFC 9989 section 4.6).
struct ReportUris {
  /// At least one URI is syntactically valid, of whatever scheme.
  bool any_valid = false;
  /// Those that a report could be sent to: `mailto:` with one plain address, the obsolete size
  /// taken off, the first few.
  std::vector<std::string> mailto;
  bool operator==(const ReportUris&) const = default;
};

ReportUris parse_report_uris(std::string_view list);

}  // namespace authmilter
