#pragma once

#include <string>

#include <authmilter/message.h>
#include <authmilter/result.h>

namespace authmilter::tools {

/// A file's octets; "-" and "" are standard input.
Result<std::string> read_input(const std::string& path);

/// A message as an MTA would hand it to the filter: a text with LF line ends, as files on disk
/// have them, stands for the same text with CRLF.
struct InputMessage {
  Message message;
  const char* line_end;  // of the text: "\r\n" or "\n"
};
InputMessage message_from_text(std::string_view text);

}  // namespace authmilter::tools
