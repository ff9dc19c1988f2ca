#include "report_views/page_data.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include <authmilter/report_text.h>

#include "page/page_text.h"
#include "report_views/reporters.h"

namespace authmilter {
namespace {

// Together below the 2 MB of a page, with its tables, style and script.
constexpr std::size_t kSeriesOctets = 1'000'000;
constexpr std::size_t kReceiversOctets = 250'000;
constexpr std::size_t kOwnOctets = 250'000;
constexpr std::size_t kTlsOctets = 120'000;
// Whoever looks for more has `authmilter report summary --csv`.
constexpr std::size_t kDomains = 400;
constexpr std::size_t kTlsRows = 600;
constexpr std::size_t kSent = 500;
constexpr std::size_t kSenders = 200;  // of reports
constexpr std::size_t kRules = 50;
constexpr std::size_t kNameOctets = 253;  // of a domain; an organization may call itself anything

/// How many of each domain's sources, or of all domains, have a place of their own: the largest
/// number whose text fits.
constexpr std::initializer_list<std::size_t> kKept = {200, 100, 60, 40, 25, 15, 10,
                                                      7,   5,   4,  3,  2,  1};

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(std::begin(digits), end);
}

/// "[1,2,3],": without zeros at the end.
void append_cell(std::string& out, std::initializer_list<std::uint64_t> numbers) {
  std::size_t size = numbers.size();
  while (size > 1 && numbers.begin()[size - 1] == 0) --size;
  out += '[';
  for (std::size_t i = 0; i < size; ++i) {
    if (i != 0) out += ',';
    append_number(out, numbers.begin()[i]);
  }
  out += "],";
}

/// In place of the last comma.
void close(std::string& out) {
  if (out.ends_with(',')) out.pop_back();
  out += ']';
}

std::string bounded(std::string_view text) {
  if (text.size() <= kNameOctets) return std::string(text);
  std::size_t end = kNameOctets;
  // Not within a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

/// Names, each once, and their places.
class Names {
 public:
  std::size_t place(const std::string& json) {
    const auto [entry, made] = places_.emplace(json, places_.size());
    if (made) text_ += json + ',';
    return entry->second;
  }
  std::string list() const {
    std::string text = "[" + text_;
    close(text);
    return text;
  }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  std::string text_;
};

struct Series {
  Names domains, others;  // `others`: sources, organizations
  std::string text = "[";
};

/// Days of the views behind the first `kept`, as one.
template <class View>
TallyDays merged_rest(const std::vector<View>& views, std::size_t kept) {
  std::map<ReportDay, ReportTally> days;
  for (std::size_t i = kept; i < views.size(); ++i) {
    for (const auto& [day, tally] : views[i].days) days[day] += tally;
  }
  return {days.begin(), days.end()};
}

std::uint64_t offset(ReportDay day, ReportDay first) {
  return static_cast<std::uint64_t>(day - first);
}

std::string source_json(const ReportSource& source) {
  return fmt::format("[{},{}]", json_text(to_string(source.kind)), json_text(bounded(source.name)));
}

void append_series(Series& series, std::size_t domain, const ReportSource& source,
                   const TallyDays& days, ReportDay first) {
  series.text += fmt::format("[{},{},[", domain, series.others.place(source_json(source)));
  for (const auto& [day, tally] : days) {
    append_cell(series.text,
                {offset(day, first), tally.messages, tally.fail(), tally.messages - tally.dkim,
                 tally.messages - tally.spf, tally.quarantined, tally.rejected});
  }
  close(series.text);
  series.text += "],";
}

Series source_series(const ReportView& view, std::size_t domains, std::size_t kept) {
  Series series;
  const ReportSource rest{ReportSource::Kind::rest, std::string(ReportView::kRest)};
  const std::size_t shown = std::min(domains, view.domains().size());
  for (std::size_t i = 0; i < shown; ++i) {
    const DomainView& domain = view.domains()[i];
    const std::size_t place = series.domains.place(json_text(bounded(domain.name)));
    for (std::size_t j = 0; j < std::min(kept, domain.sources.size()); ++j)
      append_series(series, place, domain.sources[j].source, domain.sources[j].days,
                    view.first_day());
    const TallyDays others = merged_rest(domain.sources, kept);
    if (!others.empty()) append_series(series, place, rest, others, view.first_day());
    if (series.text.size() > kSeriesOctets) return series;  // too much already
  }
  const TallyDays others = merged_rest(view.domains(), domains);
  if (!others.empty()) {
    append_series(series, series.domains.place(json_text(ReportView::kRest)), rest, others,
                  view.first_day());
  }
  close(series.text);
  return series;
}

void append_receiver(Series& series, std::size_t domain, const std::string& organization,
                     const TallyDays& days, ReportDay first, std::uint64_t bucket) {
  series.text += fmt::format("[{},{},[", domain, series.others.place(json_text(organization)));
  for (auto day = days.begin(); day != days.end();) {
    const std::uint64_t place = offset(day->first, first) / bucket;
    ReportTally tally;
    for (; day != days.end() && offset(day->first, first) / bucket == place; ++day)
      tally += day->second;
    append_cell(series.text,
                {place, tally.messages, tally.fail(), tally.quarantined, tally.rejected});
  }
  close(series.text);
  series.text += "],";
}

/// Its domains are those of `sources`.
Series receiver_series(const ReportView& view, Names& domains, std::size_t most_domains,
                       std::size_t kept, std::uint64_t bucket) {
  Series series;
  const std::string rest(ReportView::kRest);
  for (std::size_t i = 0; i < std::min(most_domains, view.domains().size()); ++i) {
    const DomainView& domain = view.domains()[i];
    const std::size_t place = domains.place(json_text(bounded(domain.name)));
    const auto& organizations = domain.organizations;
    for (std::size_t j = 0; j < std::min(kept, organizations.size()); ++j)
      append_receiver(series, place, bounded(organizations[j].name), organizations[j].days,
                      view.first_day(), bucket);
    const TallyDays others = merged_rest(organizations, kept);
    if (!others.empty()) append_receiver(series, place, rest, others, view.first_day(), bucket);
    if (series.text.size() > kReceiversOctets) return series;
  }
  close(series.text);
  return series;
}

Series own_series(const ReportView& view, std::size_t kept) {
  Series series;
  const auto append = [&](const std::string& name, const TallyDays& days) {
    series.text += fmt::format("[{},[", series.domains.place(json_text(name)));
    for (const auto& [day, tally] : days) {
      append_cell(series.text,
                  {offset(day, view.first_day()), tally.messages, tally.fail(), tally.quarantined,
                   tally.rejected, tally.would_quarantine, tally.would_reject});
    }
    close(series.text);
    series.text += "],";
  };
  for (std::size_t i = 0; i < std::min(kept, view.domains().size()); ++i)
    append(bounded(view.domains()[i].name), view.domains()[i].days);
  const TallyDays others = merged_rest(view.domains(), kept);
  if (!others.empty()) append(std::string(ReportView::kRest), others);
  close(series.text);
  return series;
}

std::string tls_json(const ReportView& view) {
  std::string text = "[";
  std::size_t rows = 0;
  for (const TlsViewRow& row : view.tls()) {
    if (++rows > kTlsRows || text.size() > kTlsOctets) break;
    text += fmt::format("[{},{},{},{},{},{},{},{}],", offset(row.day, view.first_day()),
                        json_text(bounded(row.domain)), json_text(bounded(row.organization)),
                        json_text(bounded(row.policy_type)), json_text(bounded(row.result_type)),
                        json_text(bounded(row.receiving_mx)), json_text(bounded(row.detail)),
                        row.sessions);
  }
  close(text);
  return text;
}

std::string rules_json(const ReportView& view) {
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(kRules, view.rules().size()); ++i) {
    text +=
        fmt::format("[{},{}],", json_text(bounded(view.rules()[i].rule)), view.rules()[i].messages);
  }
  close(text);
  return text;
}

/// The latest, those first.
std::string sent_json(std::vector<SendEntry> sent, ReportDay first) {
  std::stable_sort(sent.begin(), sent.end(),
                   [](const SendEntry& a, const SendEntry& b) { return a.day > b.day; });
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(kSent, sent.size()); ++i) {
    const SendEntry& entry = sent[i];
    text += fmt::format("[{},{},{},{},{},{}],", entry.day - first,
                        json_text(entry.policy_domain.text()),
                        json_text(bounded(entry.destination)), json_text(to_string(entry.state)),
                        entry.attempts, json_text(bounded(entry.detail)));
  }
  close(text);
  return text;
}

std::string senders_json(const std::vector<ReceivedReport>& reports) {
  const std::vector<Reporter> reporters = reporters_of(reports);
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(kSenders, reporters.size()); ++i) {
    const Reporter& one = reporters[i];
    text += fmt::format("[{},{},{},{},{},{}],", json_text(bounded(one.organization)),
                        json_text(to_string(one.kind)), one.reports, one.messages, one.doubtful,
                        json_text(time_day_text(one.last)));
  }
  close(text);
  return text;
}

/// The first of what `make` makes of fewer and fewer that fits; the last in any case.
Series fitting(std::size_t octets, const std::function<Series(std::size_t)>& make) {
  Series made;
  for (const std::size_t kept : kKept) {
    made = make(kept);
    if (made.text.size() <= octets) break;
  }
  return made;
}

}  // namespace

std::string page_data(const PageInput& input) {
  const ReportView& view = input.received;
  // Days that are many make domains few.
  std::size_t domains = kDomains;
  Series sources;
  for (; domains > 0; domains /= 2) {
    sources = fitting(kSeriesOctets,
                      [&](std::size_t kept) { return source_series(view, domains, kept); });
    if (sources.text.size() <= kSeriesOctets) break;
  }
  std::uint64_t bucket = 1;
  constexpr std::uint64_t kWeek = 7;
  Series receivers;
  for (const std::uint64_t days : {std::uint64_t{1}, kWeek, kWeek * 60}) {
    bucket = days;
    // For a week each rather than for a day, but not without half of the receivers.
    const std::size_t least = days == 1 ? 10 : 1;
    receivers = Series();
    receivers.text.assign(kReceiversOctets + 1, ' ');
    for (const std::size_t kept : kKept) {
      if (kept < least) break;
      receivers = receiver_series(view, sources.domains, domains, kept, bucket);
      if (receivers.text.size() <= kReceiversOctets) break;
    }
    if (receivers.text.size() <= kReceiversOctets) break;
  }
  if (receivers.text.size() > kReceiversOctets) receivers.text = "[]";
  Series own;
  for (const std::size_t kept : {300, 150, 80, 40, 20, 10, 5, 2}) {
    own = own_series(input.own, kept);
    if (own.text.size() <= kOwnOctets) break;
  }
  return fmt::format(
      "{{\"first\":{},\"days\":{},\"domains\":{},\"sources\":{},\"series\":{},\"organizations\":{},"
      "\"bucket\":{},\"receivers\":{},\"tls\":{},\"ownDomains\":{},\"own\":{},\"rules\":{},"
      "\"sent\":{},\"senders\":{}}}",
      view.first_day(), view.last_day() - view.first_day() + 1, sources.domains.list(),
      sources.others.list(), sources.text, receivers.others.list(), bucket, receivers.text,
      tls_json(view), own.domains.list(), own.text, rules_json(input.own),
      sent_json(input.sent, view.first_day()), senders_json(input.reports));
}

}  // namespace authmilter
