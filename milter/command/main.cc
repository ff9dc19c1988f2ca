#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "output/exit_status.h"

namespace {

using authmilter::tools::Context;
using authmilter::tools::ExitStatus;

/// CLI11's own message for a wrong subcommand says only that there is none.
std::string usage_message(const CLI::App* app, const CLI::Error& error) {
  std::string text = error.what();
  if (app->get_subcommands().empty() && app->remaining_size() > 0) {
    text = "unknown subcommand \"" + app->remaining().front() + "\"";
  }
  return "authmilter: " + text + "\nSee authmilter --help.\n";
}

ExitStatus run(int argc, char** argv) {
  CLI::App app("Checks and signs mail as authmilterd does, and explains it.", "authmilter");
  app.set_version_flag("--version", "authmilter " AUTHMILTER_VERSION);
  app.require_subcommand(1);
  app.failure_message(usage_message);
  app.get_formatter()->column_width(32);

  Context context;
  authmilter::tools::add_config_option(app, context.common);
  authmilter::tools::add_verify_command(app, context);
  authmilter::tools::add_spf_command(app, context);
  authmilter::tools::add_dmarc_command(app, context);
  authmilter::tools::add_sign_command(app, context);
  authmilter::tools::add_key_command(app, context);
  authmilter::tools::add_status_command(app, context);
  authmilter::tools::add_check_dns_command(app, context);
  authmilter::tools::add_import_command(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitStatus::done : ExitStatus::usage;
  }
  return context.status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return static_cast<int>(run(argc, argv));
  } catch (const std::exception& error) {
    return static_cast<int>(
        authmilter::tools::fail(ExitStatus::internal, std::string("internal: ") + error.what()));
  }
}
