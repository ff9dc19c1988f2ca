#include "reports/mail_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <authmilter/crypto.h>

#include "base/ascii.h"
#include "mime/mail_date.h"

namespace authmilter {
namespace {

constexpr std::size_t kColumns = 78;
constexpr std::size_t kBase64Columns = 76;
/// RFC 5322 section 2.1.1; a word that is longer cannot be folded.
constexpr std::size_t kMostColumns = 998;

/// Every line of a field can be sent.
bool can_stand_in_header(std::string_view value) {
  std::size_t word = 0;
  for (const char c : value) {
    if (!is_printable(c)) return false;
    word = c == ' ' ? 0 : word + 1;
    if (word > kMostColumns - kColumns) return false;
  }
  return true;
}

}  // namespace

std::string base64_lines(std::string_view octets) {
  const std::string digits =
      base64_encode({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()});
  std::string out;
  out.reserve(digits.size() + digits.size() / kBase64Columns * 2 + 2);
  for (std::size_t at = 0; at < digits.size(); at += kBase64Columns) {
    out.append(digits, at, kBase64Columns).append("\r\n");
  }
  return out;
}

std::string folded_field(std::string_view name, std::string_view value) {
  std::string out(name);
  out += ':';
  std::size_t column = out.size();
  for (const std::string_view word : split(value, ' ')) {
    if (word.empty()) continue;
    if (column + 1 + word.size() > kColumns && column > 1 + name.size()) {
      out += "\r\n";
      column = 0;
    }
    out += ' ';
    out += word;
    column += 1 + word.size();
  }
  return out + "\r\n";
}

Result<std::string> mail_header(const ReportMailHeader& header, std::string_view type,
                                std::string_view boundary) {
  const std::string to = fmt::format("{}", fmt::join(header.to, ", "));
  for (const std::string& value : {header.from, to, header.subject, header.message_id}) {
    if (!can_stand_in_header(value)) {
      return Error{fmt::format("\"{}\" cannot stand in the header of a mail", printable(value))};
    }
  }
  std::string out = folded_field("From", header.from);
  out += folded_field("To", to);
  out += folded_field("Subject", header.subject);
  out += folded_field("Date", mail_date(header.date));
  out += folded_field("Message-ID", "<" + header.message_id + ">");
  // RFC 3834 section 5: nobody's machine is to answer it.
  out += folded_field("Auto-Submitted", "auto-generated");
  out += folded_field("MIME-Version", "1.0");
  out += folded_field("Content-Type", fmt::format("{}; boundary=\"{}\"", type, boundary));
  return out + "\r\n";
}

}  // namespace authmilter
