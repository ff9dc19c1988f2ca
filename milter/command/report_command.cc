#include "commands.h"
#include "report/report_commands.h"

namespace authmilter::tools {
namespace {

/// In the order of the help.
constexpr void (*kSubcommands[])(const Command& report, Context& context) = {
    add_report_send,  add_report_ingest, add_report_summary, add_report_advise,
    add_report_check, add_report_page,   add_report_serve,
};

}  // namespace

void add_report_command(const Command& app, Context& context) {
  const Command report = app.add_subcommand("report", "DMARC reports: what others saw, and we");
  report.require_subcommand();
  add_config_option(report, context.common);
  for (const auto add : kSubcommands) add(report, context);
}

}  // namespace authmilter::tools
