#include <memory>
#include <string>
#include <utility>

#include <authmilter/budget_resolver.h>
#include <authmilter/recording_resolver.h>
#include <authmilter/spf.h>
#include <authmilter/verify.h>
#include <fmt/format.h>

#include "commands.h"
#include "options/command_runtime.h"
#include "output/explain.h"
#include "output/json_output.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

struct SpfOptions {
  DnsOptions dns;
  std::string ip;
  std::string helo;
  std::optional<std::string> mail_from;
  TimeOption time;
};

ExitStatus exit_status(SpfResult result) {
  switch (result) {
    case SpfResult::pass:
      return ExitStatus::done;
    case SpfResult::temperror:
      return ExitStatus::temporary;
    case SpfResult::none:
    case SpfResult::neutral:
    case SpfResult::fail:
    case SpfResult::softfail:
    case SpfResult::permerror:
      return ExitStatus::negative;
  }
  return ExitStatus::internal;
}

ExitStatus run(const SpfOptions& options, const CommonOptions& common) {
  if (!options.mail_from && options.helo.empty()) {
    return fail(ExitStatus::usage, "spf: --mail-from is required (or --helo alone)");
  }
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const CommandRuntime runtime(std::move(*config), options.dns);
  if (!runtime) return runtime.report_failure();

  const SpfRequest request{.client = IpAddress::parse(options.ip).value(),
                           .helo = parse_helo(options.helo),
                           .mail_from = parse_reverse_path(options.mail_from.value_or("<>")),
                           .receiver = runtime->config().authserv_id->text(),
                           .now = time_or_now(options.time)};
  BudgetResolver budget = runtime->message_budget();
  RecordingResolver recording(budget);
  const SpfLimits limits = spf_limits(runtime->config().verify);
  const SpfOutcome outcome = options.mail_from ? check_mail_from(request, recording, limits)
                                               : check_helo(request, recording, limits);
  const ExitStatus status = exit_status(outcome.result);
  if (common.json) return write_json(spf_check_json(outcome), status);
  Report report;
  explain_spf(report, outcome, limits);
  explain_lookups(report, recording.entries());
  return report.write(status);
}

}  // namespace

void add_spf_command(const Command& app, Context& context) {
  const Command command = app.add_subcommand("spf", "Evaluate SPF for a client and a sender");
  const auto options = std::make_shared<SpfOptions>();
  command.add_text("--ip", options->ip, "address of the client")
      .required()
      .check(check_ip_address)
      .stands_as("ADDR");
  command
      .add_text("--mail-from", options->mail_from, "reverse-path; \"<>\" is the null reverse-path")
      .stands_as("ADDRESS");
  command.add_text("--helo", options->helo, "HELO name; alone, its own identity is checked")
      .stands_as("NAME");
  add_time_option(command, options->time, "seconds since 1970 for the %{t} macro");
  add_dns_options(command, options->dns);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
