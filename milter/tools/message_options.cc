#include "message_options.h"

namespace authmilter::tools {

Envelope MessageOptions::envelope() const {
  return {.client = IpAddress::parse(ip),
          .helo = helo,
          .mail_from = mail_from,
          .recipients = recipients,
          .auth_user = auth_user,
          .queue_id = ""};
}

void add_envelope_options(CLI::App& command, MessageOptions& options) {
  command.add_option("--ip", options.ip, "address of the client")
      ->check(ip_address())
      ->type_name("ADDR");
  command.add_option("--mail-from", options.mail_from, "reverse-path; without it, the null one")
      ->type_name("ADDRESS");
  command.add_option("--auth-user", options.auth_user, "name of the authenticated user")
      ->type_name("USER");
  command.add_option("--time", options.time, "seconds since 1970; without it, now")
      ->type_name("EPOCH");
}

void add_message_argument(CLI::App& command, MessageOptions& options) {
  command.add_option("message", options.path, "file; without it or with \"-\", standard input")
      ->type_name("MESSAGE");
}

}  // namespace authmilter::tools
