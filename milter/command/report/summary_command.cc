#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <authmilter/report_advice.h>
#include <authmilter/report_text.h>

#include "output/output.h"
#include "report/load_view.h"
#include "report/names_option.h"
#include "report/report_commands.h"
#include "report/report_reading.h"
#include "report/text_table.h"

namespace authmilter::tools {
namespace {

constexpr std::size_t kSparkColumns = 30;

struct SummaryOptions {
  StoreOptions store;
  NamesOption names;
  bool own = false;
  bool csv = false;
  bool ascii = false;
  unsigned sources = 10;  // of a domain, as text
};

bool locale_has_blocks() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale = value;
    for (const char* utf8 : {"UTF-8", "utf8", "utf-8", "UTF8"}) {
      if (locale.find(utf8) != std::string_view::npos) return true;
    }
    return false;
  }
  return false;
}

std::string domain_text(const std::string& name) {
  return name.empty() ? "(no policy)" : printable(name);
}

std::string text_of(const ReportView& view, const SummaryOptions& options) {
  const Glyphs glyphs = !options.ascii && locale_has_blocks() ? Glyphs::blocks : Glyphs::ascii;
  const auto line = [&](const TallyDays& days) {
    return sparkline(days, view.first_day(), view.last_day(), kSparkColumns, glyphs);
  };
  std::string text = fmt::format(
      "{}, {} to {}: {} messages, {} pass\n", options.own ? "Received here" : "Sent in your name",
      day_text(view.first_day()), day_text(view.last_day()), view.total().messages,
      share(view.total().pass, view.total().messages));
  for (const DomainView& domain : view.domains()) {
    const ReportTally& total = domain.total;
    text += fmt::format("\n{}: {} messages, {} pass, {} quarantined, {} rejected",
                        domain_text(domain.name), total.messages, share(total.pass, total.messages),
                        total.quarantined, total.rejected);
    if (total.would_quarantine + total.would_reject > 0) {
      text += fmt::format("; without monitor mode {} more quarantined, {} rejected",
                          total.would_quarantine, total.would_reject);
    }
    text += '\n';
    TextTable table({{"SOURCE", false},
                     {"KNOWN BY", false},
                     {"MESSAGES"},
                     {"PASS"},
                     {"DKIM"},
                     {"SPF"},
                     {"QUAR."},
                     {"REJ."},
                     {"BY DAY", false}});
    const std::size_t shown = std::min<std::size_t>(options.sources, domain.sources.size());
    for (std::size_t i = 0; i < shown; ++i) {
      const SourceView& source = domain.sources[i];
      const ReportTally& tally = source.total;
      table.add({printable(source.source.name), std::string(to_string(source.source.kind)),
                 std::to_string(tally.messages), share(tally.pass, tally.messages),
                 share(tally.dkim, tally.messages), share(tally.spf, tally.messages),
                 std::to_string(tally.quarantined), std::to_string(tally.rejected),
                 line(source.days)});
    }
    text += table.text();
    if (domain.sources.size() > shown) {
      std::uint64_t rest = 0;
      for (std::size_t i = shown; i < domain.sources.size(); ++i)
        rest += domain.sources[i].total.messages;
      text += fmt::format("  and {} more with {} messages\n", domain.sources.size() - shown, rest);
    }
  }
  return text;
}

void add_tally(Json& json, const ReportTally& tally) {
  json.add("messages", tally.messages);
  json.add("pass", tally.pass);
  json.add("fail", tally.fail());
  json.add("dkim_aligned", tally.dkim);
  json.add("spf_aligned", tally.spf);
  json.add("quarantined", tally.quarantined);
  json.add("rejected", tally.rejected);
  json.add("overridden", tally.excused);
  json.add("would_quarantine", tally.would_quarantine);
  json.add("would_reject", tally.would_reject);
}

Json days_json(const TallyDays& days) {
  std::vector<Json> list;
  for (const auto& [day, tally] : days) {
    list.push_back({{"day", day_text(day)}, {"messages", tally.messages}, {"pass", tally.pass}});
  }
  return list;
}

Json json_of(const ReportView& view) {
  std::vector<Json> domains;
  for (const DomainView& domain : view.domains()) {
    std::vector<Json> sources;
    for (const SourceView& source : domain.sources) {
      Json json = {{"source", source.source.name},
                   {"known_by", to_string(source.source.kind)},
                   {"standing", to_string(standing_of(source))}};
      add_tally(json, source.total);
      json.add("selectors", source.selectors);
      json.add("addresses", source.addresses);
      json.add("days", days_json(source.days));
      sources.push_back(std::move(json));
    }
    Json json = {{"domain", domain.name}};
    add_tally(json, domain.total);
    json.add("days", days_json(domain.days));
    json.add("sources", sources);
    domains.push_back(std::move(json));
  }
  return {{"first", day_text(view.first_day())},
          {"last", day_text(view.last_day())},
          {"domains", domains}};
}

/// RFC 4180 section 2; and what a spreadsheet would take for a formula is made text by a quote,
/// since strangers choose it.
std::string csv_field(const std::string& text) {
  std::string field = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos)
    field += '\'';
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + '"';
}

std::string csv_of(const ReportView& view) {
  std::string text =
      "domain,source,known_by,day,messages,pass,dkim_aligned,spf_aligned,quarantined,rejected,"
      "would_quarantine,would_reject\r\n";
  for (const DomainView& domain : view.domains()) {
    for (const SourceView& source : domain.sources) {
      for (const auto& [day, tally] : source.days) {
        text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\r\n", csv_field(domain.name),
                            csv_field(source.source.name),
                            csv_field(std::string(to_string(source.source.kind))), day_text(day),
                            tally.messages, tally.pass, tally.dkim, tally.spf, tally.quarantined,
                            tally.rejected, tally.would_quarantine, tally.would_reject);
      }
    }
  }
  return text;
}

ExitStatus run(const SummaryOptions& options, const CommonOptions& common) {
  const ReportReading reports(options.store, options.names, common);
  if (!reports) return reports.report_failure();
  const auto view =
      load_view(reports.store(), options.own ? ViewQuery::Rows::own : ViewQuery::Rows::received,
                period_of(options.store), options.store.domain, reports.names().get());
  if (!view) return fail(view.error());
  if (common.json) return write_json(json_of(*view), ExitStatus::done);
  if (options.csv) return write_out(csv_of(*view), ExitStatus::done);
  return write_out(text_of(*view, options), ExitStatus::done);
}

}  // namespace

void add_report_summary(const Command& report, Context& context) {
  const Command command =
      report.add_subcommand("summary", "Show who sends in the name of your domains");
  const auto options = std::make_shared<SummaryOptions>();
  add_domain_option(command, options->store);
  add_store_options(command, options->store);
  command.add_flag("--own", options->own, "show what came in here instead of what others report");
  command.add_number("--sources", options->sources, "as text, show so many sources of a domain")
      .stands_as("NUMBER")
      .show_default();
  command.add_flag("--csv", options->csv, "write a line of CSV for each domain, source and day");
  command.add_flag("--ascii", options->ascii, "draw with ASCII characters alone");
  add_names_option(command, options->names);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
