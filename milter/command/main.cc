#include <exception>
#include <string>

#include "command_line/command_line.h"
#include "command_line/leave.h"
#include "commands.h"
#include "output/exit_status.h"

namespace {

using authmilter::command_line::Misuse;
using authmilter::command_line::Parsed;
using authmilter::command_line::Program;
using authmilter::tools::Context;
using authmilter::tools::ExitStatus;

std::string usage_message(const Misuse& misuse) {
  const std::string text = misuse.unknown_subcommand
                               ? "unknown subcommand \"" + *misuse.unknown_subcommand + "\""
                               : misuse.text;
  return "authmilter: " + text + "\nSee authmilter --help.\n";
}

ExitStatus run(int argc, char** argv) {
  Program program("authmilter", "Checks and signs mail as authmilterd does, and explains it.");
  program.add_version("authmilter " AUTHMILTER_VERSION,
                      "Display program version information and exit");
  program.require_subcommand();
  program.refuse_with(usage_message);
  program.help_column(32);

  Context context;
  authmilter::tools::add_config_option(program, context.common);
  authmilter::tools::add_verify_command(program, context);
  authmilter::tools::add_spf_command(program, context);
  authmilter::tools::add_dmarc_command(program, context);
  authmilter::tools::add_sign_command(program, context);
  authmilter::tools::add_key_command(program, context);
  authmilter::tools::add_report_command(program, context);
  authmilter::tools::add_audit_command(program, context);
  authmilter::tools::add_status_command(program, context);
  authmilter::tools::add_check_dns_command(program, context);
  authmilter::tools::add_import_command(program, context);
  switch (program.parse(argc, argv)) {
    case Parsed::taken:
      return context.status;
    case Parsed::told:
      return ExitStatus::done;
    case Parsed::refused:
      return ExitStatus::usage;
  }
  return ExitStatus::internal;
}

}  // namespace

int main(int argc, char** argv) {
  ExitStatus status = ExitStatus::internal;
  try {
    status = run(argc, argv);
  } catch (const std::exception& error) {
    status =
        authmilter::tools::fail(ExitStatus::internal, std::string("internal: ") + error.what());
  }
  return authmilter::command_line::leave(static_cast<int>(status));
}
