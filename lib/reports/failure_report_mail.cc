#include <authmilter/failure_report_mail.h>

#include <fmt/format.h>

#include "base/ascii.h"
#include "mime/mail_date.h"
#include "reports/mail_text.h"

namespace authmilter {
namespace {

constexpr std::string_view kBoundary = "=_failure";
/// RFC 5322 section 2.1.1, with room for the name: a word cannot be folded.
constexpr std::size_t kMostWord = 900;

/// Printable ASCII on one line, no word of it too long to be sent.
std::string field_text(std::string_view text) {
  std::string out;
  std::size_t word = 0;
  for (const char c : text) {
    if (c == ' ') word = 0;
    if (++word > kMostWord) continue;
    out += is_printable(c) ? c : '?';
  }
  return out;
}

/// Nothing where there is nothing to say.
std::string field(std::string_view name, std::string_view text) {
  return text.empty() ? "" : folded_field(name, field_text(text));
}

/// RFC 9991 section 4.
std::string_view alignment_word(const IdentityAlignment& alignment) {
  if (alignment.dkim_failed) return alignment.spf_failed ? "dkim, spf" : "dkim";
  return alignment.spf_failed ? "spf" : "none";
}

/// RFC 6591 section 3.2: base64, in a field. Folded where lines of base64 end.
std::string base64_field(std::string_view name, std::string_view text) {
  if (text.empty()) return "";
  std::string out = std::string(name) + ":";
  const std::string lines = base64_lines(text);
  for (const std::string_view line : split(lines, '\n')) {
    if (!line.empty()) out += "\r\n " + std::string(trim_fws(line));
  }
  return out + "\r\n";
}

std::string fields(const FailureReport& report) {
  std::string out = folded_field("Feedback-Type", "auth-failure");
  out += field("User-Agent", report.user_agent);
  out += folded_field("Version", "1");
  out += field("Auth-Failure", to_string(report.auth_failure.value_or(AuthFailure::dmarc)));
  // RFC 9991 section 4: required.
  out += field("Identity-Alignment",
               alignment_word(report.identity_alignment.value_or(IdentityAlignment{})));
  if (report.delivery_result) out += field("Delivery-Result", to_string(*report.delivery_result));
  if (report.reported_domain) out += field("Reported-Domain", report.reported_domain->text());
  if (report.source_ip) out += field("Source-IP", report.source_ip->text());
  if (report.arrival_date) out += field("Arrival-Date", mail_date(*report.arrival_date));
  if (report.incidents > 1) out += field("Incidents", std::to_string(report.incidents));
  out += field("Original-Envelope-Id", report.original_envelope_id);
  out += folded_field("Original-Mail-From", "<" + field_text(report.original_mail_from) + ">");
  if (!report.original_rcpt_to.empty()) {
    out += folded_field("Original-Rcpt-To", "<" + field_text(report.original_rcpt_to) + ">");
  }
  out += field("Authentication-Results", report.authentication_results);
  out += field("DKIM-Domain", report.dkim_domain);
  out += field("DKIM-Identity", report.dkim_identity);
  out += field("DKIM-Selector", report.dkim_selector);
  out += base64_field("DKIM-Canonicalized-Header", report.dkim_canonicalized_header);
  out += base64_field("DKIM-Canonicalized-Body", report.dkim_canonicalized_body);
  out += field("SPF-DNS", report.spf_dns);
  return out;
}

/// The header of the message, so that nothing in it ends the part.
std::string original(std::string_view header) {
  std::string out;
  for (const std::string_view line : split(header, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_alpha(line.front())) continue;
    out += field(line.substr(0, colon), trim_fws(line.substr(colon + 1)));
  }
  return out;
}

}  // namespace

Result<std::string> failure_report_mail(const ReportMailHeader& header,
                                        const FailureReport& report) {
  auto out = mail_header(header, "multipart/report; report-type=feedback-report", kBoundary);
  if (!out) return out;
  *out += fmt::format(
      "--{}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
      "This is a DMARC failure report (RFC 9991) about a message that names your\r\n"
      "domain as its author's and was not authenticated.\r\n\r\n"
      "--{}\r\nContent-Type: message/feedback-report\r\n\r\n",
      kBoundary, kBoundary);
  *out += fields(report);
  *out += fmt::format("\r\n--{}\r\nContent-Type: text/rfc822-headers\r\n\r\n", kBoundary);
  *out += original(report.original_header);
  *out += fmt::format("\r\n--{}--\r\n", kBoundary);
  return out;
}

}  // namespace authmilter
