#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "output/output.h"
#include "status/daemon_status.h"
#include "status/http_get.h"

namespace authmilter::tools {
namespace {

using Json = nlohmann::ordered_json;
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

// JSON

/// A count; 0 for what cannot be one.
std::int64_t whole(double value) {
  constexpr double kMost = 9e15;  // up to where every whole number is a double
  return value >= 0 && value < kMost ? static_cast<std::int64_t>(value) : 0;
}

Json counts_json(const Counts& counts) {
  Json json = Json::object();
  for (const auto& [word, count] : counts) json[word] = whole(count);
  return json;
}

Json latency_json(const std::optional<Latency>& latency) {
  return latency ? Json(latency->seconds) : Json();
}

Json processes_json(const DaemonStatus& status) {
  Json list = Json::array();
  for (const ProcessStatus& process : status.processes) {
    list.push_back(
        {{"socket", process.socket},
         {"mode", process.monitor ? "monitor" : "enforce"},
         {"last_reload_successful", process.last_reload_good},
         {"configured", process.configured},
         {"reloads", {{"good", whole(process.good_reloads)}, {"bad", whole(process.bad_reloads)}}},
         {"dns_validating", process.validating},
         {"open_descriptors", whole(process.open_descriptors)},
         {"descriptor_limit", whole(process.descriptor_limit)}});
  }
  return list;
}

Json keys_json(const DaemonStatus& status, std::int64_t now) {
  Json list = Json::array();
  for (const KeyStatus& key : status.keys) {
    list.push_back({{"domain", key.domain},
                    {"selector", key.selector},
                    {"written", key.written},
                    {"age_days", (now - key.written) / kDay}});
  }
  return list;
}

Json status_json(const DaemonStatus& status, std::int64_t now) {
  return {{"version", status.version},
          {"started", status.started},
          {"processes", processes_json(status)},
          {"connections",
           {{"total", whole(status.connections)},
            {"open", whole(status.open_connections)},
            {"messages_in_hand", whole(status.messages_in_hand)}}},
          {"messages", counts_json(status.messages)},
          {"policy", counts_json(status.policy)},
          {"rules", counts_json(status.rules)},
          {"aborted_messages", whole(status.aborted_messages)},
          {"tls_refusals", whole(status.tls_refusals)},
          {"internal_errors", whole(status.internal_errors)},
          {"spf", counts_json(status.spf)},
          {"dkim", counts_json(status.dkim)},
          {"dmarc", counts_json(status.dmarc)},
          {"dns",
           {{"questions", whole(status.dns_questions)},
            {"queries", whole(status.dns_queries)},
            {"median_seconds", latency_json(status.dns_median)},
            {"percentile95_seconds", latency_json(status.dns_percentile95)},
            {"failures", counts_json(status.dns_failures)},
            {"recent_queries", whole(status.dns_recent_queries)},
            {"recent_failures", counts_json(status.dns_recent_failures)},
            {"trouble", status.dns_trouble.empty() ? Json() : Json(status.dns_trouble)}}},
          {"signing",
           {{"signed", whole(status.signed_messages)},
            {"signatures", counts_json(status.signatures)},
            {"unsigned", counts_json(status.unsigned_messages)},
            {"failures", counts_json(status.signing_failures)}}},
          {"keys", keys_json(status, now)},
          {"limits", counts_json(status.limits)},
          {"warnings", warnings_of(status, now)}};
}

// Text

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

std::string latency_text(const Latency& latency) {
  const double ms = latency.seconds * 1000;
  return fmt::format("{}{:.{}f} ms", latency.or_more ? "more than " : "", ms, ms < 10 ? 1 : 0);
}

/// "accept 12, reject 3": those that are not 0.
std::string counts_text(const Counts& counts) {
  std::string text;
  for (const auto& [word, count] : counts) {
    if (count == 0) continue;
    text += fmt::format("{}{} {:.0f}", text.empty() ? "" : ", ", printable(word), count);
  }
  return text.empty() ? "none" : text;
}

void show_daemon(Report& report, const DaemonStatus& status, std::int64_t now) {
  report.heading("Daemon");
  report.line("version", printable(status.version));
  report.line("up since",
              fmt::format("{} ({})", time_text(status.started), age_text(now - status.started)));
  report.line("connections",
              fmt::format("{:.0f} open, {:.0f} altogether; {:.0f} messages in hand",
                          status.open_connections, status.connections, status.messages_in_hand));
  for (const ProcessStatus& process : status.processes) {
    report.line("socket", printable(process.socket));
    report.line("  mode", process.monitor ? "monitor: nothing is refused" : "enforce");
    report.line("  configuration",
                fmt::format("of {}{}", time_text(process.configured),
                            process.last_reload_good ? "" : ", the last reload was refused"));
    report.line("  reloads",
                fmt::format("{:.0f} good, {:.0f} bad", process.good_reloads, process.bad_reloads));
    report.line("  DNSSEC", process.validating ? "answers are validated" : "not validated");
    report.line("  descriptors", fmt::format("{:.0f} of {:.0f}", process.open_descriptors,
                                             process.descriptor_limit));
  }
}

void show_messages(Report& report, const DaemonStatus& status) {
  report.heading("Messages");
  report.line("done", counts_text(status.messages));
  report.line("policy said", counts_text(status.policy));
  report.line("by rule", counts_text(status.rules));
  if (status.aborted_messages > 0) {
    report.line("given up", fmt::format("{:.0f} by the MTA", status.aborted_messages));
  }
  if (status.tls_refusals > 0) {
    report.line("without TLS", fmt::format("{:.0f} refused at MAIL", status.tls_refusals));
  }
  report.line("limits hit", counts_text(status.limits));
  report.heading("Results");
  report.line("spf", counts_text(status.spf));
  report.line("dkim", counts_text(status.dkim));
  report.line("dmarc", counts_text(status.dmarc));
}

void show_dns(Report& report, const DaemonStatus& status) {
  report.heading("DNS");
  report.line("queries", fmt::format("{:.0f}, for {:.0f} questions of messages", status.dns_queries,
                                     status.dns_questions));
  if (status.dns_median && status.dns_percentile95) {
    report.line("latency",
                fmt::format("{} median, {} 95th percentile", latency_text(*status.dns_median),
                            latency_text(*status.dns_percentile95)));
  }
  report.line("failures", counts_text(status.dns_failures));
  report.line("ten minutes", fmt::format("{:.0f} queries, failures: {}", status.dns_recent_queries,
                                         counts_text(status.dns_recent_failures)));
}

void show_signing(Report& report, const DaemonStatus& status, std::int64_t now) {
  report.heading("Signing");
  report.line("signed", fmt::format("{:.0f} messages", status.signed_messages));
  report.line("signatures", counts_text(status.signatures));
  report.line("unsigned", counts_text(status.unsigned_messages));
  report.line("failures", counts_text(status.signing_failures));
  for (const KeyStatus& key : status.keys) {
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
  const auto text = http_get(address, "/metrics", kPatience);
  if (!text) return fail(ExitStatus::unavailable, text.error());
  const auto samples = parse_exposition(*text);
  if (!samples)
    return fail(ExitStatus::unavailable, address.text() + ": " + samples.error().message);
  const auto status = read_status(*samples);
  if (!status) return fail(ExitStatus::unavailable, address.text() + ": not authmilterd's metrics");

  const std::int64_t now = time_or_now({});
  const bool reloaded = std::all_of(status->processes.begin(), status->processes.end(),
                                    [](const auto& process) { return process.last_reload_good; });
  const ExitStatus exit = reloaded ? ExitStatus::done : ExitStatus::negative;
  if (common.json) return write_json(status_json(*status, now), exit);
  Report report;
  show_daemon(report, *status, now);
  show_messages(report, *status);
  show_dns(report, *status);
  show_signing(report, *status, now);
  const auto warnings = warnings_of(*status, now);
  if (!warnings.empty()) report.heading("Warnings");
  for (const std::string& warning : warnings) report.line("", printable(warning));
  return report.write(exit);
}

}  // namespace

void add_status_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("status", "Show how the running daemon is");
  const auto options = std::make_shared<StatusOptions>();
  command
      ->add_option("--url", options->url,
                   "where its metrics are (default: metrics.listen of the configuration)")
      ->type_name("ADDR:PORT");
  add_common_options(*command, context.common);
  command->callback([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
