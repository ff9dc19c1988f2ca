#include "dmarc/report_destinations.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"

namespace authmilter {
namespace {

// A record of many destinations would make an amplifier of whoever sends the reports (RFC 9990).
// The length keeps a list of them below what libopendmarc takes for one value.
constexpr std::size_t kReportDestinations = 2;
constexpr std::size_t kReportUriOctets = 240;

constexpr bool is_hex(char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); }

/// RFC 3986 section 2, without the two characters that RFC 9989 section 4.8 wants encoded.
bool is_uri_character(char c) {
  constexpr std::string_view kMarks = "-._~:/?#[]@$&'()*+;=%";
  return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
}

bool has_uri_characters(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_uri_character)) return false;
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
  }
  return true;
}

/// RFC 3986 section 3.1.
bool is_scheme(std::string_view text) {
  return !text.empty() && is_alpha(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; });
}

/// `!10m`: RFC 7489's maximum size, which RFC 9989 section 4.7 has readers ignore.
std::string_view without_size(std::string_view uri) {
  const std::size_t mark = uri.rfind('!');
  if (mark == std::string_view::npos) return uri;
  std::string_view size = uri.substr(mark + 1);
  constexpr std::string_view kUnits = "kmgt";
  if (!size.empty() && kUnits.find(to_lower(size.back())) != std::string_view::npos)
    size.remove_suffix(1);
  if (size.empty() || !std::all_of(size.begin(), size.end(), is_digit)) return uri;
  return uri.substr(0, mark);
}

/// A dot-atom and a domain. A percent sign is left to RFC 6068 and refused: nobody needs one in the
/// address of a report, and what it hides would be parsed a second time.
std::optional<ReportAddress> read_plain_address(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return std::nullopt;
  constexpr std::string_view kMarks = "$&'*+-/=?._~";  // RFC 5322 atext that a URI may hold
  const std::string_view local = text.substr(0, at);
  if (!std::all_of(local.begin(), local.end(),
                   [&](char c) { return is_alnum(c) || kMarks.find(c) != std::string_view::npos; }))
    return std::nullopt;
  auto domain = DomainName::parse(text.substr(at + 1));
  if (!domain) return std::nullopt;
  return ReportAddress{std::string(text), std::move(*domain)};
}

}  // namespace

ReportDestinations parse_report_destinations(std::string_view list) {
  ReportDestinations found;
  for (const std::string_view piece : split(list, ',')) {
    const std::string_view uri = without_size(trim_wsp(piece));
    const std::size_t colon = uri.find(':');
    if (colon == std::string_view::npos || colon + 1 == uri.size()) continue;
    if (!is_scheme(uri.substr(0, colon)) || !has_uri_characters(uri)) continue;
    // RFC 9989 section 4.7: URIs of other schemes are ignored; they are valid all the same.
    if (!equals_ignoring_case(uri.substr(0, colon), "mailto")) {
      found.any_valid = true;
      continue;
    }
    const std::string_view address = uri.substr(colon + 1);
    if (address.find('@') == std::string_view::npos) continue;
    found.any_valid = true;
    if (uri.size() > kReportUriOctets || found.addresses.size() == kReportDestinations) continue;
    if (auto read = read_plain_address(address)) found.addresses.push_back(std::move(*read));
  }
  return found;
}

}  // namespace authmilter
