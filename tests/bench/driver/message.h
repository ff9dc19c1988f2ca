#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct HeaderField {
  std::string name;
  std::string value;  // all after the colon; the lines of a folded one end in LF, as MTAs pass them
};

/// A message and its envelope, as an MTA has them. "{n}" in the envelope or in a header field
/// stands for the number of the message.
struct Message {
  std::string client = "192.0.2.10";
  std::string client_name = "mail.example.com";
  std::string helo = "mail.example.com";
  std::string mail_from = "sender@example.com";
  std::string rcpt = "rcpt@example.net";
  std::string auth_user;  // empty: not authenticated
  std::vector<HeaderField> fields;
  std::string body;

  bool numbered = false;  // it has a "{n}"
};

/// Reads FILE.eml, and FILE.env beside it: a line `key=value` for each part of the envelope.
Message read_message(const std::filesystem::path& file);
/// The message with its number in the places that it has for it.
Message with_number(const Message& message, unsigned long number);

}  // namespace bench
