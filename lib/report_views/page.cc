#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <authmilter/report_page.h>
#include <authmilter/report_text.h>

#include "page/page_text.h"
#include "report_views/page_data.h"
#include "report_views/page_parts.h"
#include "report_views/reporters.h"

namespace authmilter {
namespace {

// Rows of the tables as they are without JavaScript; with it there are more.
constexpr std::size_t kStaticRows = 100;

struct Column {
  std::string_view name;
  bool number = false;
};
constexpr Column text(std::string_view name) { return {name, false}; }
constexpr Column number(std::string_view name) { return {name, true}; }

using Cells = std::vector<std::string>;

/// A table in a box of its own that scrolls from left to right, by keyboard too.
std::string table(std::string_view id, std::string_view caption,
                  std::initializer_list<Column> columns, const std::vector<Cells>& rows) {
  std::string html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{0}-caption\">"
      "<table id=\"{0}\"><caption id=\"{0}-caption\">{1}</caption><thead><tr>",
      id, caption);
  for (const Column& column : columns)
    html += fmt::format("<th scope=\"col\"{}>{}</th>", column.number ? " class=\"n\"" : "",
                        column.name);
  html += "</tr></thead><tbody>";
  for (const Cells& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const char* style = columns.begin()[i].number ? "n" : "t";
      html += i == 0
                  ? fmt::format("<th scope=\"row\" class=\"{}\">{}</th>", style, html_text(row[i]))
                  : fmt::format("<td class=\"{}\">{}</td>", style, html_text(row[i]));
    }
    html += "</tr>";
  }
  if (rows.empty()) {
    html += fmt::format("<tr><td class=\"empty\" colspan=\"{}\">Nothing in this period.</td></tr>",
                        columns.size());
  }
  return html + "</tbody></table></div>\n";
}

using Tiles = std::vector<std::pair<std::string_view, std::string>>;

std::string tiles(std::string_view id, const Tiles& values) {
  std::string html = fmt::format("<dl class=\"tiles\" id=\"{}\">", id);
  for (const auto& [name, value] : values) {
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name,
                        html_text(value.empty() ? "–" : value));
  }
  return html + "</dl>\n";
}

std::string card(std::string_view heading, std::string_view content) {
  return fmt::format("<div class=\"card\"><h3>{}</h3>\n{}</div>\n", heading, content);
}

/// Where the script draws; there is nothing to see without it.
std::string chart(std::string_view id, std::string_view legend) {
  return fmt::format(
      "<div data-script hidden>{}<div id=\"{}\"></div></div>\n",
      legend.empty() ? std::string() : fmt::format("<ul class=\"legend\" id=\"{}\"></ul>", legend),
      id);
}

std::string pass_text(const ReportTally& tally) { return percent_text(tally.pass, tally.messages); }

template <class Key>
std::vector<std::pair<Key, ReportTally>> largest(const std::map<Key, ReportTally>& tallies) {
  std::vector<std::pair<Key, ReportTally>> sorted(tallies.begin(), tallies.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.messages > b.second.messages;
  });
  if (sorted.size() > kStaticRows) sorted.resize(kStaticRows);
  return sorted;
}

std::string days_table(const ReportView& view) {
  std::map<ReportDay, ReportTally> days;
  for (const DomainView& domain : view.domains()) {
    for (const auto& [day, tally] : domain.days) days[day] += tally;
  }
  std::vector<Cells> rows;
  for (auto day = days.rbegin(); day != days.rend() && rows.size() < kStaticRows; ++day) {
    const ReportTally& tally = day->second;
    rows.push_back({day_text(day->first), grouped(tally.messages), grouped(tally.pass),
                    grouped(tally.fail()), pass_text(tally)});
  }
  return "<details><summary>The numbers of each day</summary>" +
         table(
             "days-table", "Messages by day",
             {text("Day"), number("Messages"), number("Pass"), number("Fail"), number("Pass rate")},
             rows) +
         "</details>";
}

std::string sources_table(const ReportView& view) {
  std::map<ReportSource, ReportTally> sources;
  for (const DomainView& domain : view.domains()) {
    for (const SourceView& source : domain.sources) sources[source.source] += source.total;
  }
  std::vector<Cells> rows;
  for (const auto& [source, tally] : largest(sources)) {
    rows.push_back({source.name, std::string(to_string(source.kind)), grouped(tally.messages),
                    pass_text(tally), percent_text(tally.dkim, tally.messages),
                    percent_text(tally.spf, tally.messages), grouped(tally.quarantined),
                    grouped(tally.rejected)});
  }
  return table("sources-table", "Who sends, and what passes and aligns",
               {text("Source"), text("Known by"), number("Messages"), number("Pass"),
                number("DKIM"), number("SPF"), number("Quarantined"), number("Rejected")},
               rows);
}

std::string domains_table(const ReportView& view) {
  std::vector<Cells> rows;
  for (const DomainView& domain : view.domains()) {
    if (rows.size() == kStaticRows) break;
    const ReportTally& tally = domain.total;
    rows.push_back({domain.name, grouped(tally.messages), pass_text(tally), grouped(tally.fail()),
                    grouped(tally.quarantined), grouped(tally.rejected)});
  }
  return table("domains-table", "Your domains",
               {text("Domain"), number("Messages"), number("Pass"), number("Fail"),
                number("Quarantined"), number("Rejected")},
               rows);
}

std::string receivers_table(const ReportView& view) {
  std::map<std::string, ReportTally> receivers;
  for (const DomainView& domain : view.domains()) {
    for (const OrganizationView& organization : domain.organizations)
      receivers[organization.name] += organization.total;
  }
  std::vector<Cells> rows;
  for (const auto& [name, tally] : largest(receivers)) {
    rows.push_back({name, grouped(tally.messages), pass_text(tally),
                    grouped(tally.messages - tally.quarantined - tally.rejected),
                    grouped(tally.quarantined), grouped(tally.rejected)});
  }
  return table("receivers-table", "Receivers, and what they did",
               {text("Receiver"), number("Messages"), number("Pass"), number("Left alone"),
                number("Quarantined"), number("Rejected")},
               rows);
}

std::string received_section(const ReportView& view) {
  const ReportTally total = view.total();
  std::string html =
      "<section aria-labelledby=\"received\"><h2 id=\"received\">Sent in your name</h2>\n"
      "<p class=\"soft\">What receivers report of mail whose author is in one of your domains, "
      "whoever sent it.</p>\n";
  html += tiles("received-tiles", {{"Messages", grouped(total.messages)},
                                   {"Pass DMARC", pass_text(total)},
                                   {"Fail", grouped(total.fail())},
                                   {"Quarantined", grouped(total.quarantined)},
                                   {"Rejected", grouped(total.rejected)}});
  html += "<div class=\"two\">" +
          card("Messages by day", chart("volume", "volume-legend") + days_table(view)) +
          card("Pass rate by day", chart("rate", "")) + "</div>\n";
  html += card("Sources", chart("source-bars", "source-legend") + sources_table(view));
  html += card("Domains", domains_table(view));
  html += card("Receivers", chart("receiver-bars", "receiver-legend") + receivers_table(view));
  return html + "</section>\n";
}

std::string tls_section(const ReportView& view) {
  std::uint64_t all = 0, failed = 0;
  std::vector<Cells> rows;
  std::map<Cells, std::uint64_t> sums;
  for (const TlsViewRow& row : view.tls()) {
    all += row.sessions;
    if (!row.result_type.empty()) failed += row.sessions;
    if (row.result_type.empty() || sums.size() < kStaticRows)
      sums[{row.domain, row.organization, row.policy_type,
            row.result_type.empty() ? "secured" : row.result_type, row.receiving_mx, row.detail}] +=
          row.sessions;
  }
  for (const auto& [cells, sessions] : sums) {
    if (rows.size() == kStaticRows) break;
    rows.push_back(cells);
    rows.back().push_back(grouped(sessions));
  }
  std::string html =
      "<section aria-labelledby=\"tls\"><h2 id=\"tls\">TLS on the way to you</h2>\n"
      "<p class=\"soft\">What senders report of DANE and MTA-STS of your domains (SMTP TLS "
      "reports).</p>\n";
  html += tiles("tls-tiles", {{"Sessions", grouped(all)},
                              {"Failed", grouped(failed)},
                              {"Secured", percent_text(all - failed, all)}});
  html += card("Sessions by day", chart("tls-chart", "tls-legend"));
  html += card("Results", table("tls-table", "Failures first",
                                {text("Domain"), text("Reported by"), text("Policy"),
                                 text("Result"), text("Host"), text("Detail"), number("Sessions")},
                                rows));
  return html + "</section>\n";
}

std::string own_section(const ReportView& view) {
  const ReportTally total = view.total();
  std::vector<Cells> domains, rules;
  for (const DomainView& domain : view.domains()) {
    if (domains.size() == kStaticRows) break;
    const ReportTally& tally = domain.total;
    domains.push_back({domain.name.empty() ? "(no policy)" : domain.name, grouped(tally.messages),
                       pass_text(tally), grouped(tally.quarantined), grouped(tally.rejected),
                       grouped(tally.would_quarantine), grouped(tally.would_reject)});
  }
  for (const RuleView& rule : view.rules()) rules.push_back({rule.rule, grouped(rule.messages)});
  std::string html =
      "<section aria-labelledby=\"own\"><h2 id=\"own\">Received here</h2>\n"
      "<p class=\"soft\">What this host made of the mail that came in, and, in monitor mode, would "
      "have made of it.</p>\n";
  html += tiles("own-tiles", {{"Messages", grouped(total.messages)},
                              {"Pass DMARC", pass_text(total)},
                              {"Quarantined", grouped(total.quarantined)},
                              {"Rejected", grouped(total.rejected)},
                              {"Would be quarantined", grouped(total.would_quarantine)},
                              {"Would be rejected", grouped(total.would_reject)}});
  html += card("Messages by day", chart("own-chart", "own-legend"));
  html +=
      card("Authors' domains",
           table("own-table", "Domains with a policy that write to you",
                 {text("Domain"), number("Messages"), number("Pass"), number("Quarantined"),
                  number("Rejected"), number("Would be quarantined"), number("Would be rejected")},
                 domains));
  html += card("Rules", table("rules-table", "What decided, over the whole period",
                              {text("Rule"), number("Messages")}, rules));
  return html + "</section>\n";
}

std::string told_section(const PageInput& input) {
  std::vector<const SendEntry*> latest;
  for (const SendEntry& entry : input.sent) latest.push_back(&entry);
  std::stable_sort(latest.begin(), latest.end(),
                   [](const SendEntry* a, const SendEntry* b) { return a->day > b->day; });
  std::vector<Cells> sent;
  for (const SendEntry* entry : latest) {
    if (sent.size() == kStaticRows) break;
    sent.push_back({day_text(entry->day), entry->policy_domain.text(), entry->destination,
                    std::string(to_string(entry->state)), std::to_string(entry->attempts),
                    entry->detail});
  }
  std::vector<Cells> received;
  for (const Reporter& one : reporters_of(input.reports)) {
    if (received.size() == kStaticRows) break;
    received.push_back({one.organization, std::string(to_string(one.kind)), grouped(one.reports),
                        grouped(one.messages), grouped(one.doubtful), time_day_text(one.last)});
  }
  std::string html =
      "<section aria-labelledby=\"reports\"><h2 id=\"reports\">Reports</h2>\n"
      "<p class=\"soft\">What you told others, and what you know the above from.</p>\n";
  html += card("Sent to others", table("sent-table", "Reports by the day that they are about",
                                       {text("Day"), text("Domain"), text("To"), text("State"),
                                        number("Attempts"), text("Detail")},
                                       sent));
  html += card("Received",
               table("senders-table",
                     "Who reports to you. In doubt: sent by somebody who may not speak for the "
                     "organization that is named",
                     {text("Organization"), text("Kind"), number("Reports"), number("Messages"),
                      number("In doubt"), text("Last day")},
                     received));
  return html + "</section>\n";
}

constexpr std::string_view kFilters = R"html(
<form class="filters" id="filters" data-script hidden aria-label="Choice">
<label>Domain<select id="domain"><option value="">All domains</option></select></label>
<label>Source contains<input id="source" type="search" autocomplete="off" spellcheck="false"></label>
<label class="dates">From<input id="from" type="date"></label>
<label class="dates">To<input id="to" type="date"></label>
<div><button type="button" data-days="7">7 days</button>
<button type="button" data-days="30">30 days</button>
<button type="button" data-days="0">Everything</button></div>
</form>
<p id="said" role="status" aria-live="polite"></p>
<noscript><p>Charts and filters need JavaScript, which is off here. The tables below have the largest
rows of the whole period.</p></noscript>
)html";

std::string head(std::string_view title, std::string_view policy) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n",
      policy, html_text(title), page_style());
}

std::string time_text(std::int64_t time) {
  const std::int64_t of_day = ((time % kDaySeconds) + kDaySeconds) % kDaySeconds;
  return fmt::format("{} {:02}:{:02} UTC", time_day_text(time), of_day / 3600, of_day / 60 % 60);
}

}  // namespace

std::string page_security_policy() {
  return content_security_policy(page_style(), kPageScript) + "; frame-ancestors 'none'";
}

std::string report_page(const PageInput& input) {
  const ReportView& view = input.received;
  std::string html = head("Mail authentication reports: " + input.host,
                          content_security_policy(page_style(), kPageScript));
  html += fmt::format(
      "<body>\n<a class=\"skip\" href=\"#main\">Skip to the numbers</a>\n<header>\n"
      "<h1>Mail authentication reports</h1>\n"
      "<p class=\"soft\"><span class=\"t\">{}</span>, {} to {}. Made {}.</p>\n"
      "<nav aria-label=\"Sections\"><ul><li><a href=\"#received\">Sent in your name</a></li>"
      "<li><a href=\"#tls\">TLS</a></li><li><a href=\"#own\">Received here</a></li>"
      "<li><a href=\"#reports\">Reports</a></li></ul></nav>\n</header>\n<main id=\"main\">\n{}",
      html_text(input.host), day_text(view.first_day()), day_text(view.last_day()),
      time_text(input.made), kFilters);
  html += received_section(view);
  html += tls_section(view);
  html += own_section(input.own);
  html += told_section(input);
  html +=
      "</main>\n<footer>Made by authmilter from DMARC aggregate reports (RFC 9990, RFC 7489) "
      "and SMTP TLS reports (RFC 8460). Days are UTC. Sources are grouped by what authenticates "
      "them, else by the name or the network of their address; what has no place of its own is "
      "in \"(others)\".</footer>\n<script type=\"application/json\" id=\"data\">";
  html += page_data(input);
  html += "</script>\n<script>";
  html += kPageScript;
  html += "</script>\n</body>\n</html>\n";
  return html;
}

std::string error_page(std::string_view why) {
  return head("Mail authentication reports", content_security_policy(page_style(), kPageScript)) +
         fmt::format(
             "<body><main><h1>Mail authentication reports</h1><p>They cannot be read: {}.</p>"
             "<p class=\"soft\">Load the page again later.</p></main></body></html>\n",
             html_text(why));
}

}  // namespace authmilter
