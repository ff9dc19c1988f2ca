#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter {

/// The envelope of a mail that a report goes out in, without its content.
struct ReportMailHeader {
  std::string from;             // a mailbox: "dmarc@receiver.example"
  std::vector<std::string> to;  // mailboxes
  std::string subject;
  std::string message_id;  // without angle brackets
  std::int64_t date = 0;   // seconds since 1970
};

/// A whole mail with an aggregate report (RFC 9990 section 3.5.2): a sentence for people and one part
/// application/gzip of that file name, in base64. Lines end in CRLF and have at most 78 octets
/// where blanks allow it, never more than 998 (RFC 5322 section 2.1.1). An error where a value is
/// not printable ASCII: it would be another field, or none.
Result<std::string> aggregate_report_mail(const ReportMailHeader& header,
                                          std::string_view file_name, std::string_view packed);

}  // namespace authmilter
