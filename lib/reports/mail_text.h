#pragma once

#include <string>
#include <string_view>

#include <authmilter/report_mail.h>

namespace authmilter {

/// RFC 2045 section 6.8, and RFC 5322 section 2.1.1: lines of 76 digits.
std::string base64_lines(std::string_view octets);

/// A field with its line end, folded at blanks before the 79th column (RFC 5322 section 2.2.3).
std::string folded_field(std::string_view name, std::string_view value);

/// The fields of a mail with several parts, up to the empty line; `type` is "multipart/mixed" with
/// what belongs to it but the boundary. An error where a value of the header is not printable
/// ASCII.
Result<std::string> mail_header(const ReportMailHeader& header, std::string_view type,
                                std::string_view boundary);

}  // namespace authmilter
