#pragma once

#include <string>
#include <string_view>

#include <authmilter/failure_report.h>
#include <authmilter/report_mail.h>
#include <authmilter/result.h>

namespace authmilter {

/// What stands for the private part of an address in a report (RFC 6590 section 3): the same for
/// the same text and key, so that reports can be compared, and the text cannot be had from it
/// without the key. Letters and digits.
std::string redaction(std::string_view text, std::string_view key);

/// The report as it may leave this host: every local part is redacted; of the header of the message
/// there are the fields by which its author knows it, without display names, and with addresses of
/// pages as `hxxp`. `key` stays secret, and stays the same.
FailureReport redacted(const FailureReport& report, std::string_view key);

/// Text without the local part of each address in it: "smtp.mailfrom=@example.org".
std::string domains_only(std::string_view text);

/// A whole mail with a failure report (RFC 9991 section 4, RFC 6591 section 3.1): a sentence for
/// people, the fields for programs, and the header of the message. Nothing is redacted here. An
/// error where a value of `header` is not printable ASCII; texts of the report are made so.
Result<std::string> failure_report_mail(const ReportMailHeader& header,
                                        const FailureReport& report);

}  // namespace authmilter
