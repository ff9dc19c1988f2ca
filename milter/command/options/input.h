#pragma once

#include <cstddef>
#include <string>

#include <authmilter/message.h>
#include <authmilter/result.h>

namespace authmilter::tools {

/// A file's octets; "-" and "" are standard input.
Result<std::string> read_input(const std::string& path);

/// A regular file's octets, of at most `most_octets`; anything else that has a name is refused at
/// once. "-" is standard input, within the same limit.
Result<std::string> read_regular_file(const std::string& path, std::size_t most_octets);

/// A message as an MTA would hand it to the filter: a text with LF line ends, as files on disk
/// have them, stands for the same text with CRLF.
struct InputMessage {
  Message message;
  const char* line_end;  // of the text: "\r\n" or "\n"
};
InputMessage message_from_text(std::string_view text);
/// Reads a file that shall hold one message. One in a form that no mail server passes on (packed,
/// UTF-16, Outlook's) is an error. What a server would pass on is taken, and a note on standard
/// error says what is odd about it.
Result<std::string> read_message(const std::string& path);

}  // namespace authmilter::tools
