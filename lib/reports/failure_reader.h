#pragma once

#include <optional>
#include <string_view>

#include <authmilter/failure_report.h>
#include <authmilter/result.h>

namespace authmilter {

/// Whether a part's text is the machine-readable one of a feedback report (RFC 5965 section 3): the
/// fields that it begins with have a Feedback-Type.
bool is_feedback_report(std::string_view part);

/// Reads that part, and what the report holds of the message: its header, or all of it; empty where
/// there is none. An error where it is a report of something else, or says nothing.
Result<FailureReport> read_failure_report(std::string_view part, std::string_view original);

/// Reads the text for people of a failure report that has no other part. There is one such form, of
/// mail filters around Exim; nothing for other texts.
std::optional<FailureReport> read_failure_text(std::string_view text);

}  // namespace authmilter
