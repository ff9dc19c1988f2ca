#pragma once

#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/message_record.h>

#include "log/log_writer.h"

namespace authmilter {

/// The lines that log.level = "debug" adds for one message: what the DNS was asked and answered,
/// each step of SPF, each signature, the DMARC walk, the overrides. Bounded in number; values are
/// as strangers wrote them, the log escapes and cuts them. Nothing of the body is in them.
std::vector<LogLine> detail_lines(const MessageVerdict& verdict, const PolicyConfig& policy,
                                  const std::string& queue_id);
/// None without that level, or of a message that was not judged.
std::vector<LogLine> detail_lines(const MessageRecord& record, const Config& config);

}  // namespace authmilter
