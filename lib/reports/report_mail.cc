#include <authmilter/report_mail.h>

#include <fmt/format.h>

#include "base/ascii.h"
#include "reports/mail_text.h"

namespace authmilter {
namespace {

/// Neither base64 nor the sentence has a line that begins with it.
constexpr std::string_view kBoundary = "=_report";

}  // namespace

Result<std::string> aggregate_report_mail(const ReportMailHeader& header,
                                          std::string_view file_name, std::string_view packed) {
  const bool plain = file_name.find_first_of("\"\\") == std::string_view::npos;
  for (const char c : file_name) {
    if (!plain || !is_visible(c)) {
      return Error{
          fmt::format("\"{}\" cannot be the name of a file in a mail", printable(file_name))};
    }
  }
  auto out = mail_header(header, "multipart/mixed", kBoundary);
  if (!out) return out;
  *out += fmt::format("--{}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", kBoundary);
  *out +=
      "This is a DMARC aggregate report (RFC 9990), for programs to read. It says\r\n"
      "what was seen of mail that names your domain as its author's.\r\n\r\n";
  // RFC 9990 section 3.5.2. A file name has no blank at which its line could be folded.
  *out += fmt::format(
      "--{}\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Disposition: attachment;\r\n filename=\"{}\"\r\n\r\n",
      kBoundary, file_name);
  *out += base64_lines(packed);
  *out += fmt::format("--{}--\r\n", kBoundary);
  return out;
}

}  // namespace authmilter
