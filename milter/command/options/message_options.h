#pragma once

#include <string>
#include <vector>

#include <authmilter/verify.h>

#include "options/common_options.h"
#include "options/input.h"

namespace authmilter::tools {

/// The options of the subcommands that take a message.
struct MessageOptions {
  std::string ip;
  std::string helo;
  std::string mail_from;
  std::vector<std::string> recipients;
  std::string auth_user;
  TimeOption time;
  std::string path;

  Envelope envelope() const;
  /// Of a message that is sent from here: without --mail-from its author sends it.
  Envelope submission(const Message& message) const;
};

void add_envelope_options(const Command& command, MessageOptions& options);
void add_message_argument(const Command& command, MessageOptions& options);

/// Streams a message through a MessageVerifier or a MessageSigner.
template <class Facade>
auto stream(Facade& facade, const Message& message) {
  for (const HeaderField& field : message.fields) facade.header(field);
  facade.end_of_headers();
  if (facade.wants_body()) facade.body(message.body);
  return facade.finish();
}

}  // namespace authmilter::tools
