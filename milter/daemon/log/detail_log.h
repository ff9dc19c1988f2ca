#pragma once

#include <string>
#include <vector>

#include <authmilter/verify.h>

#include "log/log_writer.h"

namespace authmilter {

/// The lines that log.level = "debug" adds for one message: what the DNS was asked and answered,
/// each step of SPF, each signature, the DMARC walk, the overrides. Bounded in number; values are
/// as strangers wrote them, the log escapes and cuts them. Nothing of the body is in them.
std::vector<LogLine> detail_lines(const Verdict& verdict, const PolicyConfig& policy,
                                  const std::string& queue_id);

}  // namespace authmilter
