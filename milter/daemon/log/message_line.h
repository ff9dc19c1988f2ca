#pragma once

#include <authmilter/message_record.h>

#include "log/log_writer.h"

namespace authmilter {

/// The line that every message gets. Pure.
LogFields message_line(const MessageRecord& record);

}  // namespace authmilter
