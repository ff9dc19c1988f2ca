#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/daemon_status.h>
#include <fmt/format.h>

#include "commands.h"
#include "output/output.h"
#include "status/fetch_status.h"

namespace authmilter::tools {
namespace {

using namespace std::chrono_literals;

// The daemon answers from memory; one that does not within this time is in trouble.
constexpr auto kPatience = 5s;
constexpr std::int64_t kDay = 86'400;

struct StatusOptions {
  std::string url;
};

/// "ADDRESS:PORT" or "[ADDRESS]:PORT", also between "http://" and "/metrics".
std::optional<HostPort> parse_url(std::string_view text) {
  constexpr std::string_view kLocalhost = "localhost:";
  if (text.starts_with("http://")) text.remove_prefix(7);
  for (const std::string_view end : {"/", "/metrics"}) {
    if (text.ends_with(end)) text.remove_suffix(end.size());
  }
  if (!text.starts_with(kLocalhost)) return HostPort::parse(text);
  return HostPort::parse(fmt::format("127.0.0.1:{}", text.substr(kLocalhost.size())));
}

/// An address that a daemon listens on for all stands for this host.
HostPort as_asked(HostPort place) {
  if (place.address == IpAddress::parse("0.0.0.0")) place.address = *IpAddress::parse("127.0.0.1");
  if (place.address == IpAddress::parse("::")) place.address = *IpAddress::parse("::1");
  return place;
}

std::string time_text(std::int64_t time) {
  const auto value = static_cast<std::time_t>(time);
  std::tm parts{};
  localtime_r(&value, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string age_text(std::int64_t seconds) {
  if (seconds >= 2 * kDay) return fmt::format("{} days", seconds / kDay);
  if (seconds >= 2 * 3600) return fmt::format("{} hours", seconds / 3600);
  const auto minutes = std::max<std::int64_t>(seconds, 0) / 60;
  return fmt::format("{} minute{}", minutes, minutes == 1 ? "" : "s");
}

std::string latency_text(double seconds) {
  const double ms = seconds * 1000;
  return fmt::format("{}{:.{}f} ms", seconds < kLongestLatency ? "" : "more than ", ms,
                     ms < 10 ? 1 : 0);
}

/// "accept 12, reject 3": those that are not 0.
std::string counts_text(const DaemonStatus::Counts& counts) {
  std::string text;
  for (const auto& [word, count] : counts) {
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", printable(word), count);
  }
  return text.empty() ? "none" : text;
}

void show_daemon(Report& report, const DaemonStatus& status, std::int64_t now) {
  report.heading("Daemon");
  report.line("version", printable(status.version));
  report.line("up since",
              fmt::format("{} ({})", time_text(status.started), age_text(now - status.started)));
  report.line("connections",
              fmt::format("{} open, {} altogether; {} messages in hand", status.connections.open,
                          status.connections.total, status.connections.messages_in_hand));
  for (const DaemonStatus::Process& process : status.processes) {
    report.line("socket", printable(process.socket));
    report.line("  mode",
                process.mode == VerifyMode::monitor ? "monitor: nothing is refused" : "enforce");
    report.line("  configuration",
                fmt::format("of {}{}", time_text(process.configured),
                            process.last_reload_good ? "" : ", the last reload was refused"));
    report.line("  reloads",
                fmt::format("{} good, {} bad", process.reloads.good, process.reloads.bad));
    report.line("  DNSSEC", process.validating ? "answers are validated" : "not validated");
    report.line("  descriptors",
                fmt::format("{} of {}", process.open_descriptors, process.descriptor_limit));
  }
}

void show_messages(Report& report, const DaemonStatus& status) {
  report.heading("Messages");
  report.line("done", counts_text(status.messages));
  report.line("policy said", counts_text(status.policy));
  report.line("by rule", counts_text(status.rules));
  if (status.aborted_messages > 0) {
    report.line("given up", fmt::format("{} by the MTA", status.aborted_messages));
  }
  if (status.tls_refusals > 0) {
    report.line("without TLS", fmt::format("{} refused at MAIL", status.tls_refusals));
  }
  report.line("limits hit", counts_text(status.limits));
  report.heading("Results");
  report.line("spf", counts_text(status.spf));
  report.line("dkim", counts_text(status.dkim));
  report.line("dmarc", counts_text(status.dmarc));
}

void show_dns(Report& report, const DaemonStatus& status) {
  report.heading("DNS");
  report.line("queries", fmt::format("{}, for {} questions of messages", status.dns.queries,
                                     status.dns.questions));
  if (status.dns.median && status.dns.percentile95) {
    report.line("latency",
                fmt::format("{} median, {} 95th percentile", latency_text(*status.dns.median),
                            latency_text(*status.dns.percentile95)));
  }
  report.line("failures", counts_text(status.dns.failures));
  report.line("ten minutes", fmt::format("{} queries, failures: {}", status.dns.recent_queries,
                                         counts_text(status.dns.recent_failures)));
}

void show_signing(Report& report, const DaemonStatus& status, std::int64_t now) {
  report.heading("Signing");
  report.line("signed", fmt::format("{} messages", status.signing.messages));
  report.line("signatures", counts_text(status.signing.signatures));
  report.line("unsigned", counts_text(status.signing.unsigned_messages));
  report.line("failures", counts_text(status.signing.failures));
  for (const DaemonStatus::Key& key : status.keys) {
    report.line("key", fmt::format("{}._domainkey.{}, {} old", printable(key.selector),
                                   printable(key.domain), age_text(now - key.written)));
  }
}

ExitStatus run(const StatusOptions& options, const CommonOptions& common) {
  std::optional<HostPort> where = parse_url(options.url);
  if (!options.url.empty() && !where) {
    return fail(ExitStatus::usage,
                "status: \"" + options.url + "\" is not of the form ADDRESS:PORT");
  }
  if (!where) {
    const auto config = read_configuration(common);
    if (!config) return fail(ExitStatus::configuration, config.error());
    where = config->metrics_listen;
  }
  if (!where) {
    return fail(ExitStatus::configuration,
                "status: the daemon serves no metrics: metrics.listen is not set");
  }
  const HostPort address = as_asked(*where);
  const auto text = fetch_status(address, kPatience);
  if (!text) return fail(ExitStatus::unavailable, text.error());
  const auto status = read_status(*text);
  if (!status) return fail(ExitStatus::unavailable, address.text() + ": " + status.error().message);

  const bool reloaded = std::all_of(status->processes.begin(), status->processes.end(),
                                    [](const auto& process) { return process.last_reload_good; });
  const ExitStatus exit = reloaded ? ExitStatus::done : ExitStatus::negative;
  if (common.json) return write_out(write_status(*status), exit);
  const std::int64_t now = time_or_now({});
  Report report;
  show_daemon(report, *status, now);
  show_messages(report, *status);
  show_dns(report, *status);
  show_signing(report, *status, now);
  if (!status->warnings.empty()) report.heading("Warnings");
  for (const std::string& warning : status->warnings) report.line("", printable(warning));
  return report.write(exit);
}

}  // namespace

void add_status_command(const Command& app, Context& context) {
  const Command command = app.add_subcommand("status", "Show how the running daemon is");
  const auto options = std::make_shared<StatusOptions>();
  command
      .add_text("--url", options->url,
                "where its metrics are (default: metrics.listen of the configuration)")
      .stands_as("ADDR:PORT");
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
