#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <authmilter/runtime.h>

#include "commands.h"
#include "options/command_runtime.h"
#include "options/message_options.h"
#include "output/explain.h"
#include "output/json_output.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

struct VerifyOptions {
  DnsOptions dns;
  MessageOptions message;
};

template <class Outcomes, class Result>
bool any(const Outcomes& outcomes, Result result) {
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [&](const auto& outcome) { return outcome.result == result; });
}

/// Without a DMARC record, SPF and DKIM speak for themselves.
ExitStatus exit_status_without_dmarc(const Findings& findings) {
  if (any(findings.spf, SpfResult::pass) || any(findings.dkim, DkimResult::pass)) {
    return ExitStatus::done;
  }
  if (any(findings.spf, SpfResult::temperror) || any(findings.dkim, DkimResult::temperror)) {
    return ExitStatus::temporary;
  }
  return any(findings.spf, SpfResult::fail) || !findings.dkim.empty() ? ExitStatus::negative
                                                                      : ExitStatus::done;
}

ExitStatus exit_status(const MessageVerdict& verdict) {
  const DmarcResult dmarc = verdict.findings.dmarc.result;
  if (dmarc == DmarcResult::temperror || verdict.disposition == Disposition::tempfail) {
    return ExitStatus::temporary;
  }
  if (verdict.disposition != Disposition::accept) return ExitStatus::negative;
  switch (dmarc) {
    case DmarcResult::pass:
      return ExitStatus::done;
    case DmarcResult::fail:
    case DmarcResult::permerror:
      return ExitStatus::negative;
    case DmarcResult::temperror:
      return ExitStatus::temporary;
    case DmarcResult::none:
      return exit_status_without_dmarc(verdict.findings);
  }
  return ExitStatus::internal;
}

ExitStatus show_outgoing(const VerifyOptions& options, const CommonOptions& common, Config config,
                         const Message& message) {
  const CommandRuntime runtime(std::move(config));
  if (!runtime) return runtime.report_failure();
  const Envelope envelope = options.message.submission(message);
  const SigningOutcome signing =
      stream(*runtime->signer(envelope, time_or_now(options.message.time)), message);

  MessageVerdict verdict;
  verdict.findings.dmarc.author_domain = signing.author_domain;
  verdict.findings.dmarc.reason = {DmarcReason::not_judged, "outgoing"};
  verdict.decision.rule = Rule::signing;  // as in the daemon's log
  verdict.decision.reason = signing.reason.text();
  verdict.edits = signing.edits;
  if (signing.failed) verdict.disposition = verdict.decision.disposition = Disposition::tempfail;
  const ExitStatus status = signing.failed ? ExitStatus::temporary : ExitStatus::done;
  if (common.json) return write_json(verdict_json(verdict), status);
  Report report;
  explain_envelope(report, envelope);
  report.line("", "outgoing: from an authenticated user or an internal network,");
  report.line("", "so the message is not judged");
  explain_decision(report, verdict, runtime->config().policy);
  explain_edits(report, verdict.edits);
  return report.write(status);
}

ExitStatus run(const VerifyOptions& options, const CommonOptions& common) {
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const auto text = read_message(options.message.path);
  if (!text) return fail(ExitStatus::no_input, text.error());
  const InputMessage input = message_from_text(*text);
  const Envelope envelope = options.message.envelope();
  if (is_ours(envelope, *config))
    return show_outgoing(options, common, std::move(*config), input.message);

  const CommandRuntime runtime(std::move(*config), options.dns);
  if (!runtime) return runtime.report_failure();
  const MessageVerdict verdict =
      stream(*runtime->verifier(envelope, time_or_now(options.message.time)), input.message);
  const ExitStatus status = exit_status(verdict);
  if (common.json) return write_json(verdict_json(verdict), status);
  Report report;
  explain_envelope(report, envelope);
  if (!envelope.client) {
    report.heading("SPF");
    report.line("result", "not checked: no --ip was given");
  } else {
    const SpfLimits limits = spf_limits(runtime->config().verify);
    for (const SpfOutcome& outcome : verdict.findings.spf) explain_spf(report, outcome, limits);
  }
  explain_forwarder(report, verdict.findings);
  explain_dkim(report, verdict.findings.dkim);
  explain_dmarc(report, verdict.findings.dmarc);
  explain_other_methods(report, verdict.findings);
  explain_decision(report, verdict, runtime->config().policy);
  explain_seal(report, verdict.seal);
  explain_edits(report, verdict.edits);
  explain_lookups(report, verdict.lookups);
  return report.write(status);
}

}  // namespace

void add_verify_command(const Command& app, Context& context) {
  const Command command = app.add_subcommand("verify", "Judge a message as the daemon would");
  const auto options = std::make_shared<VerifyOptions>();
  add_envelope_options(command, options->message);
  command.add_text("--helo", options->message.helo, "HELO name").stands_as("NAME");
  command.add_list("--rcpt", options->message.recipients, "recipient").stands_as("ADDRESS");
  add_message_argument(command, options->message);
  add_dns_options(command, options->dns);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
