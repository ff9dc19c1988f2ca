#include "reports/tls_json.h"

#include "read_reports.h"

// The JSON of a TLS report (RFC 8460): what is kept of it is bounded and clean, and blanks between
// its tokens change nothing.

using namespace authmilter;
using fuzz::require;

namespace {

/// With a blank behind each comma that is not in a string.
std::string spread(std::string_view text) {
  std::string out;
  bool in_string = false;
  bool escaped = false;
  for (const char c : text) {
    out += c;
    if (in_string) {
      in_string = escaped || c != '"';
      escaped = !escaped && c == '\\';
    } else if (c == '"') {
      in_string = true;
    } else if (c == ',') {
      out += " \n";
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const auto json = read_tls_json(input.text());
  const auto same = read_tls_json(spread(input.text()));
  require(static_cast<bool>(json) == static_cast<bool>(same), "blanks change nothing");
  if (json) {
    require(json->report == same->report && json->is_report == same->is_report,
            "blanks change nothing of a report");
    std::size_t failures = 0;
    require(json->report.policies.size() <= 100, "policies are bounded");
    for (const TlsPolicyReport& policy : json->report.policies) {
      fuzz::require_text(policy.policy_domain, 255);
      require(policy.policy_strings.size() <= 100 && policy.mx_hosts.size() <= 100,
              "lists are bounded");
      for (const TlsFailure& failure : policy.failures) {
        fuzz::require_text(failure.result_type, 255);
        fuzz::require_text(failure.additional_information, 255);
      }
      failures += policy.failures.size();
    }
    require(failures <= 10'000, "failures are bounded");
  }
  WrittenReports written;
  fuzz::require_outcomes(read_reports(input.text(), {}, written));
  return 0;
}
