#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <authmilter/result.h>
#include <authmilter/tls_report.h>

namespace authmilter {

/// A TLS report as its JSON has it, and what of it could not be taken as it was.
struct TlsJson {
  TlsReport report;
  bool is_report = false;  // it has policies, and an organization-name or a report-id
  std::optional<std::int64_t> begin, end;
  bool negative_count = false;
};

/// Reads the JSON of a TLS report (RFC 8460 section 4.4), event by event: what is kept of it is
/// bounded, whatever its length, and members that are none of its are passed over. An error where
/// it is not JSON.
Result<TlsJson> read_tls_json(std::string_view text);

/// The seconds since 1970 of a time of RFC 3339: "2016-04-01T00:00:00Z", "...+02:00".
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace authmilter
