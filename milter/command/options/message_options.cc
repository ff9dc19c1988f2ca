#include "options/message_options.h"

#include <utility>
#include <variant>

#include <authmilter/message.h>

namespace authmilter::tools {

Envelope MessageOptions::envelope() const {
  std::vector<ReversePath> forward_paths;
  for (const std::string& recipient : recipients) {
    forward_paths.push_back(parse_reverse_path(recipient));
  }
  return {.client = IpAddress::parse(ip),
          .helo = parse_helo(helo),
          .mail_from = parse_reverse_path(mail_from),
          .recipients = std::move(forward_paths),
          .auth_user = auth_user,
          .queue_id = ""};
}

Envelope MessageOptions::submission(const Message& message) const {
  Envelope submitted = envelope();
  const auto author = find_author_domain(message.fields);
  if (author && mail_from.empty()) {
    submitted.mail_from = parse_reverse_path("<postmaster@" + author->text() + ">");
  }
  return submitted;
}

void add_envelope_options(const Command& command, MessageOptions& options) {
  command.add_text("--ip", options.ip, "address of the client")
      .check(check_ip_address)
      .stands_as("ADDR");
  command
      .add_text(
          "--mail-from", options.mail_from,
          "reverse-path; without it, the null one, or the author's where the message is signed")
      .stands_as("ADDRESS");
  command.add_text("--auth-user", options.auth_user, "name of the authenticated user")
      .stands_as("USER");
  add_time_option(command, options.time, "seconds since 1970; without it, now");
}

void add_message_argument(const Command& command, MessageOptions& options) {
  command.add_text("message", options.path, "file; without it or with \"-\", standard input")
      .stands_as("MESSAGE");
}

}  // namespace authmilter::tools
