#include "reports/failure_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include <authmilter/crypto.h>
#include <authmilter/message.h>

#include "base/ascii.h"
#include "mime/mail_date.h"
#include "reports/report_text.h"
#include "reports/report_words.h"

namespace authmilter {
namespace {

/// RFC 5965 section 3.1 has twenty fields, of which the longest is a header in base64.
constexpr std::size_t kMostPart = 64 * 1024;
/// Of the message that failed, as much of its header as tells what it was.
constexpr std::size_t kMostHeader = 16 * 1024;
constexpr std::uint64_t kMostIncidents = 1'000'000'000;

std::string without_brackets(std::string_view path) {
  path = trim_fws(path);
  if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
  return clean_text(path, kMostName);
}

std::string decoded(std::string_view base64) {
  std::string digits;
  for (const char c : base64) {
    if (!is_fws(c)) digits += c;
  }
  const auto octets = base64_decode(digits);
  return octets ? clean_text(std::string(octets->begin(), octets->end())) : "";
}

/// RFC 9991 section 4: "none", or the mechanisms in a list with commas.
std::optional<IdentityAlignment> parse_identity_alignment(std::string_view text) {
  IdentityAlignment alignment;
  for (const std::string_view word : split(text, ',')) {
    const std::string_view mechanism = trim_fws(word);
    if (equals_ignoring_case(mechanism, "dkim")) {
      alignment.dkim_failed = true;
    } else if (equals_ignoring_case(mechanism, "spf")) {
      alignment.spf_failed = true;
    } else if (!equals_ignoring_case(mechanism, "none")) {
      return std::nullopt;
    }
  }
  return alignment;
}

/// Takes one field; the first of a name counts.
void take_field(FailureReport& report, std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view wanted) { return equals_ignoring_case(name, wanted); };
  const auto set = [](std::string& to, std::string text) {
    if (to.empty()) to = std::move(text);
  };
  if (is("User-Agent")) set(report.user_agent, clean_text(value, kMostName));
  if (is("Auth-Failure")) report.auth_failure = parse_auth_failure(value);
  if (is("Identity-Alignment")) report.identity_alignment = parse_identity_alignment(value);
  if (is("Delivery-Result")) report.delivery_result = parse_delivery_result(value);
  if (is("Reported-Domain") && !report.reported_domain)
    report.reported_domain = DomainName::parse(value);
  if (is("Source-IP")) report.source_ip = IpAddress::parse(value);
  if (is("Arrival-Date") || is("Received-Date")) report.arrival_date = parse_mail_date(value);
  if (is("Incidents")) {
    const auto number = parse_number<std::uint64_t>(value);
    report.incidents = std::clamp<std::uint64_t>(number.value_or(1), 1, kMostIncidents);
  }
  if (is("Original-Envelope-Id")) set(report.original_envelope_id, clean_text(value, kMostName));
  if (is("Original-Mail-From")) set(report.original_mail_from, without_brackets(value));
  if (is("Original-Rcpt-To")) set(report.original_rcpt_to, without_brackets(value));
  if (is("Authentication-Results")) set(report.authentication_results, clean_text(value));
  if (is("DKIM-Domain")) set(report.dkim_domain, clean_name(value));
  if (is("DKIM-Identity")) set(report.dkim_identity, clean_text(value, kMostName));
  if (is("DKIM-Selector")) set(report.dkim_selector, clean_name(value));
  if (is("DKIM-Canonicalized-Header")) set(report.dkim_canonicalized_header, decoded(value));
  if (is("DKIM-Canonicalized-Body")) set(report.dkim_canonicalized_body, decoded(value));
  if (is("SPF-DNS")) set(report.spf_dns, clean_text(value));
}

/// RFC 5322 section 2.2.3.
std::string unfolded(std::string_view value) {
  std::string out;
  for (const char c : trim_fws(value)) {
    if (c != '\r' && c != '\n') out += c;
  }
  return out;
}

/// Lines as they came, in valid UTF-8, as much as is kept.
std::string clean_lines(std::string_view text) {
  std::string out;
  for (std::string_view line : split(text.substr(0, kMostHeader), '\n')) {
    const bool folded = line.starts_with(' ') || line.starts_with('\t');
    out += (folded ? " " : "") + clean_text(line) + "\n";
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out == "\n" ? "" : out;
}

void take_original(FailureReport& report, std::string_view original) {
  const std::size_t crlf = original.find("\r\n\r\n");
  const std::size_t lf = original.find("\n\n");
  const std::string_view header = original.substr(0, std::min(crlf, lf)).substr(0, kMostHeader);
  report.original_header = clean_lines(header);
  for (const HeaderField& field : parse_message(std::string(header) + "\n\n").fields) {
    const std::string value = unfolded(field.value);
    const auto set = [&](std::string& to) {
      if (to.empty()) to = clean_text(value, kMostName);
    };
    if (has_name(field, "From")) set(report.original_from);
    if (has_name(field, "Subject")) set(report.original_subject);
    if (has_name(field, "Message-ID")) set(report.original_message_id);
  }
}

std::vector<HeaderField> fields_of(std::string_view part) {
  return parse_message(std::string(part.substr(0, kMostPart)) + "\n\n").fields;
}

}  // namespace

bool is_feedback_report(std::string_view part) {
  const auto fields = fields_of(part);
  return std::any_of(fields.begin(), fields.end(),
                     [](const HeaderField& field) { return has_name(field, "Feedback-Type"); });
}

Result<FailureReport> read_failure_report(std::string_view part, std::string_view original) {
  FailureReport report;
  std::string type;
  for (const HeaderField& field : fields_of(part)) {
    const std::string value = unfolded(field.value);
    if (has_name(field, "Feedback-Type") && type.empty()) type = clean_name(value);
    take_field(report, trim_wsp(field.name), value);
  }
  // RFC 5965 section 3.1: there are reports of spam and of fraud, which people have complained
  // about.
  if (type != "auth-failure") return Error{"it is a feedback report of another type: " + type};
  take_original(report, original);
  if (!report.reported_domain && !report.source_ip && report.original_header.empty()) {
    return Error{"the failure report says nothing of the message"};
  }
  return report;
}

std::optional<FailureReport> read_failure_text(std::string_view text) {
  constexpr std::string_view kOpening = "A message claiming to be from you has failed";
  constexpr std::string_view kOriginal = "------ This is a copy of the headers";
  text = text.substr(0, kMostPart);
  if (!trim_fws(text).starts_with(kOpening)) return std::nullopt;
  FailureReport report;
  IdentityAlignment alignment;
  const std::size_t original = text.find(kOriginal);
  for (const std::string_view line : split(text.substr(0, original), '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trim_fws(line.substr(0, colon));
    const std::string_view value = trim_fws(line.substr(colon + 1));
    if (name == "Sender Domain") report.reported_domain = DomainName::parse(value);
    if (name == "Sender IP Address") report.source_ip = IpAddress::parse(value);
    if (name == "Received date") report.arrival_date = parse_mail_date(value);
    if (name == "SPF Alignment") alignment.spf_failed = equals_ignoring_case(value, "no");
    if (name == "DKIM Alignment") alignment.dkim_failed = equals_ignoring_case(value, "no");
  }
  if (!report.reported_domain) return std::nullopt;
  report.auth_failure = AuthFailure::dmarc;
  report.identity_alignment = alignment;
  if (original != std::string_view::npos) {
    const std::size_t start = text.find('\n', original);
    if (start != std::string_view::npos) {
      std::string_view header = text.substr(start);
      header = header.substr(std::min(header.find_first_not_of("\r\n"), header.size()));
      take_original(report, header);
    }
  }
  return report;
}

}  // namespace authmilter
