#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/key_states.h>
#include <authmilter/report_anomalies.h>
#include <authmilter/report_text.h>

#include "output/output.h"
#include "report/load_view.h"
#include "report/names_option.h"
#include "report/report_commands.h"
#include "report/report_reading.h"
#include "report/text_table.h"

namespace authmilter::tools {
namespace {

// Each is a look-up; a domain has a few, and reports can name any.
constexpr std::size_t kSelectorsAsked = 100;
constexpr std::chrono::seconds kSelectorsTime{10};
// Of the exposition; a time series each.
constexpr std::size_t kDomainsExposed = 500;

struct CheckOptions {
  StoreOptions store;
  NamesOption names;
  std::string prometheus;
};

/// RFC 6376 section 3.6.1: a record without a key in p= is of a key that was revoked. Anything else
/// that is there counts as published: what is wrong with it, `key check` says.
SelectorState state_in(const DnsAnswer& answer) {
  if (answer.status == DnsStatus::temperror) return SelectorState::unknown;
  const auto texts = answer.texts();
  const bool key = std::any_of(texts.begin(), texts.end(), [](const std::string& text) {
    const auto tag = text.find("p=");
    const auto value = tag == std::string::npos ? tag : text.find_first_not_of(" \t", tag + 2);
    return value != std::string::npos && text[value] != ';';
  });
  return key ? SelectorState::published : SelectorState::missing;
}

SelectorStates ask_for_selectors(const std::vector<std::pair<std::string, std::string>>& names,
                                 Resolver& resolver) {
  const auto deadline = std::chrono::steady_clock::now() + kSelectorsTime;
  const auto question_of = [](const auto& name) -> std::optional<DnsQuestion> {
    const auto domain = DomainName::parse(name.first);
    const auto key = domain ? domain->below(name.second + "._domainkey") : std::nullopt;
    if (!key) return std::nullopt;
    return DnsQuestion{DnsName(*key), RrType::txt};
  };
  for (const auto& name : names) {
    if (const auto question = question_of(name)) resolver.prefetch(*question);
  }
  SelectorStates states;
  for (const auto& name : names) {
    if (const auto question = question_of(name))
      states[name] = state_in(*resolver.resolve(*question, deadline));
  }
  return states;
}

/// In the exposition format's quotes.
std::string label(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// For the textfile collector of Prometheus's node exporter.
std::string exposition(const ReportView& view, const AnomalyPeriods& periods,
                       const std::vector<Anomaly>& anomalies, std::int64_t now) {
  std::map<std::pair<std::string, std::string_view>, unsigned> counts;
  for (const Anomaly& anomaly : anomalies) ++counts[{anomaly.domain, to_string(anomaly.kind)}];
  std::string text =
      "# HELP authmilter_report_anomalies What authmilter report check found.\n"
      "# TYPE authmilter_report_anomalies gauge\n";
  for (const auto& [key, count] : counts) {
    text += fmt::format("authmilter_report_anomalies{{domain=\"{}\",kind=\"{}\"}} {}\n",
                        label(key.first), key.second, count);
  }
  // Without an anomaly there is a series too, or an alert would never end.
  if (counts.empty()) text += "authmilter_report_anomalies{domain=\"\",kind=\"\"} 0\n";
  text += fmt::format(
      "# HELP authmilter_report_messages Messages of the last {} days that others report.\n"
      "# TYPE authmilter_report_messages gauge\n",
      periods.last - periods.recent + 1);
  std::size_t domains = 0;
  for (const DomainView& domain : view.domains()) {
    if (++domains > kDomainsExposed) break;
    const ReportTally recent = sum(domain.days, periods.recent, periods.last);
    for (const auto& [result, number] :
         {std::pair("pass", recent.pass), std::pair("fail", recent.fail())}) {
      text += fmt::format("authmilter_report_messages{{domain=\"{}\",result=\"{}\"}} {}\n",
                          label(domain.name), result, number);
    }
  }
  text += fmt::format(
      "# HELP authmilter_report_check_timestamp_seconds When this was written.\n"
      "# TYPE authmilter_report_check_timestamp_seconds gauge\n"
      "authmilter_report_check_timestamp_seconds {}\n",
      now);
  return text;
}

Json json_of(const std::vector<Anomaly>& anomalies) {
  std::vector<Json> list;
  for (const Anomaly& anomaly : anomalies) {
    list.push_back({{"kind", to_string(anomaly.kind)},
                    {"domain", anomaly.domain},
                    {"subject", anomaly.subject},
                    {"messages", anomaly.messages},
                    {"text", anomaly.text}});
  }
  return list;
}

std::string text_of(const std::vector<Anomaly>& anomalies, const AnomalyPeriods& periods) {
  if (anomalies.empty()) {
    return fmt::format("as usual: {} to {}, beside {} to {}\n", day_text(periods.recent),
                       day_text(periods.last), day_text(periods.first),
                       day_text(periods.recent - 1));
  }
  std::string text;
  for (const Anomaly& anomaly : anomalies) {
    text += fmt::format("{} {} {}: {}\n", to_string(anomaly.kind), printable(anomaly.domain),
                        printable(anomaly.subject), printable(anomaly.text));
  }
  return text;
}

ExitStatus run(const CheckOptions& options, const CommonOptions& common) {
  const ReportReading reports(options.store, options.names, common);
  if (!reports) return reports.report_failure();
  // Nobody reports of today.
  const Period period = period_of(options.store);
  const AnomalyPeriods periods{period.first, period.last - kRecentDays, period.last - 1};
  const auto view = load_view(reports.store(), ViewQuery::Rows::received, period,
                              options.store.domain, reports.names().get());
  if (!view) return fail(view.error());
  const SelectorStates selectors =
      reports.names().get() == nullptr
          ? SelectorStates()
          : ask_for_selectors(selectors_in_use(*view, periods, kSelectorsAsked),
                              *reports.names().get());
  const auto anomalies = find_anomalies(*view, periods, selectors);
  if (!options.prometheus.empty()) {
    const auto written = replace_file(
        options.prometheus, exposition(*view, periods, anomalies, time_or_now(options.store.time)),
        Links::replaced);
    if (!written) return fail(ExitStatus::cannot_create, written.error());
  }
  const ExitStatus status = anomalies.empty() ? ExitStatus::done : ExitStatus::negative;
  if (common.json) return write_json(json_of(anomalies), status);
  return write_out(text_of(anomalies, periods), status);
}

}  // namespace

void add_report_check(const Command& report, Context& context) {
  const Command command =
      report.add_subcommand("check", "Name what is not as usual: exit 1 where there is something");
  const auto options = std::make_shared<CheckOptions>();
  add_domain_option(command, options->store);
  add_store_options(command, options->store);
  command
      .add_text("--prometheus", options->prometheus,
                "write metrics there too, for the node exporter's textfile collector")
      .stands_as("FILE");
  add_names_option(command, options->names);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
