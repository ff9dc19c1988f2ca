#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <authmilter/budget_resolver.h>
#include <authmilter/dmarc.h>
#include <authmilter/recording_resolver.h>

#include "commands.h"
#include "options/command_runtime.h"
#include "output/explain.h"
#include "output/json_output.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

struct DmarcOptions {
  DnsOptions dns;
  std::string domain;
  std::vector<std::string> dkim;
  std::string spf;
};

std::vector<AuthenticatedIdentifier> identifiers(const DmarcOptions& options) {
  using Method = AuthenticatedIdentifier::Method;
  std::vector<AuthenticatedIdentifier> found;
  if (!options.spf.empty()) {
    found.push_back({Method::spf, DomainName::parse(options.spf).value()});
  }
  for (const std::string& domain : options.dkim) {
    found.push_back({Method::dkim, DomainName::parse(domain).value()});
  }
  return found;
}

/// Without identifiers nothing can align, so the question is whether there is a record.
enum class Question { record, alignment };

ExitStatus exit_status(const DmarcOutcome& outcome, Question question) {
  switch (outcome.result) {
    case DmarcResult::pass:
      return ExitStatus::done;
    case DmarcResult::temperror:
      return ExitStatus::temporary;
    case DmarcResult::none:
    case DmarcResult::permerror:
      return ExitStatus::negative;
    case DmarcResult::fail:
      return question == Question::record && outcome.policy_domain ? ExitStatus::done
                                                                   : ExitStatus::negative;
  }
  return ExitStatus::internal;
}

ExitStatus run(const DmarcOptions& options, const CommonOptions& common) {
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const CommandRuntime runtime(std::move(*config), options.dns);
  if (!runtime) return runtime.report_failure();

  BudgetResolver budget = runtime->message_budget();
  RecordingResolver recording(budget);
  const auto given = identifiers(options);
  auto discovery = discover_dmarc(DomainName::parse(options.domain).value(), recording);
  const DmarcOutcome outcome = evaluate_dmarc(discovery, given);
  const ExitStatus status =
      exit_status(outcome, given.empty() ? Question::record : Question::alignment);
  if (common.json) return write_json(dmarc_json(outcome), status);
  Report report;
  explain_dmarc(report, outcome);
  if (given.empty()) report.line("note", "neither --dkim nor --spf was given, so nothing aligns");
  explain_lookups(report, recording.entries());
  return report.write(status);
}

}  // namespace

void add_dmarc_command(const Command& app, Context& context) {
  const Command command = app.add_subcommand("dmarc", "Show the DMARC policy that a domain has");
  const auto options = std::make_shared<DmarcOptions>();
  command.add_text("domain", options->domain, "Author Domain")
      .required()
      .check(check_domain_name)
      .stands_as("DOMAIN");
  command.add_list("--dkim", options->dkim, "domain of a passing DKIM signature")
      .check(check_domain_name)
      .stands_as("DOMAIN");
  command.add_text("--spf", options->spf, "domain that passed SPF")
      .check(check_domain_name)
      .stands_as("DOMAIN");
  add_dns_options(command, options->dns);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
