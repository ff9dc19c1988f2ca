#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include <fmt/format.h>

#include <authmilter/report_anomalies.h>

namespace authmilter {
namespace {

/// What a source, or a whole domain, did in the two periods.
struct Change {
  ReportTally usual, recent;
  unsigned usual_days_seen = 0;
};

Change change_of(const TallyDays& days, const AnomalyPeriods& periods) {
  Change change;
  change.usual = sum(days, periods.first, periods.recent - 1);
  change.recent = sum(days, periods.recent, periods.last);
  change.usual_days_seen =
      static_cast<unsigned>(std::count_if(days.begin(), days.end(), [&](const auto& day) {
        return day.first >= periods.first && day.first < periods.recent;
      }));
  return change;
}

unsigned percent(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return 0;
  return static_cast<unsigned>(100.0 * static_cast<double>(part) / static_cast<double>(all));
}

class Finder {
 public:
  Finder(const ReportView& view, const AnomalyPeriods& periods, const SelectorStates& selectors)
      : view_(view), periods_(periods), selectors_(selectors) {}

  std::vector<Anomaly> find() {
    for (const DomainView& domain : view_.domains()) look_at(domain);
    look_at_tls();
    std::stable_sort(found_.begin(), found_.end(), [](const Anomaly& a, const Anomaly& b) {
      return std::tuple(std::string_view(a.domain), a.kind, b.messages) <
             std::tuple(std::string_view(b.domain), b.kind, a.messages);
    });
    return std::move(found_);
  }

 private:
  std::uint64_t recent_days() const {
    return static_cast<std::uint64_t>(std::max(1, periods_.last - periods_.recent + 1));
  }
  /// Of the days of the usual period that anything was reported of: an archive may begin later.
  unsigned usual_days(const DomainView& domain) const {
    return change_of(domain.days, periods_).usual_days_seen;
  }

  void add(Anomaly::Kind kind, const std::string& domain, std::string subject,
           std::uint64_t messages, std::string text) {
    found_.push_back({kind, domain, std::move(subject), messages, std::move(text)});
  }

  void look_at(const DomainView& domain) {
    const unsigned days = usual_days(domain);
    // A domain of which no reports come any more has no sources that are silent: they are.
    const bool reported = change_of(domain.days, periods_).recent.messages > 0;
    if (days >= kUsualDays && !reported) {
      const auto usual = change_of(domain.days, periods_).usual.messages;
      if (usual >= kNoticedMessages && days * 100 >= kRegularPercent * span())
        add(Anomaly::Kind::silent_source, domain.name, "all sources", usual,
            fmt::format("no message is reported in {} days, {} in the {} days before",
                        recent_days(), usual, days));
      return;
    }
    if (days >= kUsualDays) {
      for (const SourceView& source : domain.sources) look_at(domain, source, days);
    }
    for (const SelectorView& selector : domain.selectors) look_at(domain, selector);
  }

  std::uint64_t span() const {
    return static_cast<std::uint64_t>(std::max(1, periods_.recent - periods_.first));
  }

  void look_at(const DomainView& domain, const SourceView& source, unsigned days) {
    const Change change = change_of(source.days, periods_);
    const auto recent = change.recent.messages;
    if (source.source.kind == ReportSource::Kind::rest) return;
    if (change.usual.messages == 0) {
      const bool stranger = source.source.kind == ReportSource::Kind::network ||
                            source.source.kind == ReportSource::Kind::ptr;
      if (recent >= (stranger ? kNoticedStrangers : kNoticedMessages)) {
        add(Anomaly::Kind::new_source, domain.name, source.source.name, recent,
            fmt::format("{} messages in {} days, {} % pass; none in the {} days before", recent,
                        recent_days(), percent(change.recent.pass, recent), days));
      }
      return;
    }
    if (recent == 0) {
      if (change.usual.messages >= kNoticedMessages &&
          change.usual_days_seen * 100 >= kRegularPercent * days && change.usual.pass > 0) {
        add(Anomaly::Kind::silent_source, domain.name, source.source.name, change.usual.messages,
            fmt::format("no message in {} days; {} on {} of the {} days before", recent_days(),
                        change.usual.messages, change.usual_days_seen, days));
      }
      return;
    }
    const unsigned before = percent(change.usual.pass, change.usual.messages);
    const unsigned now = percent(change.recent.pass, recent);
    if (recent >= kNoticedMessages && before >= kWorkingPercent && now < kFailingPercent) {
      add(Anomaly::Kind::failing_source, domain.name, source.source.name, change.recent.fail(),
          fmt::format("{} % of {} messages in {} days pass; before, {} % of {}", now, recent,
                      recent_days(), before, change.usual.messages));
    }
    // A mean of each day, or the longer period would always win.
    const double usual_mean = static_cast<double>(change.usual.messages) / days;
    const double recent_mean = static_cast<double>(recent) / static_cast<double>(recent_days());
    if (recent >= kNoticedVolume && recent_mean >= usual_mean * static_cast<double>(kVolumeTimes)) {
      add(Anomaly::Kind::volume, domain.name, source.source.name, recent,
          fmt::format("{:.0f} messages a day, {:.0f} times the usual {:.1f}", recent_mean,
                      recent_mean / usual_mean, usual_mean));
    }
  }

  void look_at(const DomainView& domain, const SelectorView& selector) {
    const auto state = selectors_.find({selector.domain, selector.selector});
    if (state == selectors_.end() || state->second != SelectorState::missing) return;
    std::uint64_t recent = 0;
    for (const auto& [day, messages] : selector.days) {
      if (day >= periods_.recent && day <= periods_.last) recent += messages;
    }
    if (recent == 0) return;
    std::uint64_t senders = 0;
    for (const SourceView& source : domain.sources) {
      if (std::binary_search(source.selectors.begin(), source.selectors.end(), selector.selector))
        ++senders;
    }
    std::string text =
        fmt::format("signs {} messages in {} days, and is not published", recent, recent_days());
    if (senders > 1) text += fmt::format("; {} sources use it", senders);
    add(Anomaly::Kind::unpublished_selector, domain.name,
        fmt::format("{}._domainkey.{}", selector.selector, selector.domain), recent,
        std::move(text));
  }

  void look_at_tls() {
    struct Sessions {
      std::uint64_t good = 0, bad = 0;
      std::set<std::string> results;
    };
    std::map<std::string, Sessions> domains;
    for (const TlsViewRow& row : view_.tls()) {
      if (row.day < periods_.recent || row.day > periods_.last) continue;
      Sessions& sessions = domains[row.domain];
      (row.result_type.empty() ? sessions.good : sessions.bad) += row.sessions;
      if (!row.result_type.empty() && sessions.results.size() < 3)
        sessions.results.insert(row.result_type);
    }
    for (const auto& [domain, sessions] : domains) {
      const std::uint64_t all = sessions.good + sessions.bad;
      if (sessions.bad < kNoticedMessages || percent(sessions.bad, all) < kTlsFailurePercent)
        continue;
      std::string results;
      for (const std::string& result : sessions.results)
        results += (results.empty() ? "" : ", ") + result;
      add(Anomaly::Kind::tls_failures, domain, "TLS", sessions.bad,
          fmt::format("{} of {} sessions in {} days failed: {}", sessions.bad, all, recent_days(),
                      results));
    }
  }

  const ReportView& view_;
  const AnomalyPeriods periods_;
  const SelectorStates& selectors_;
  std::vector<Anomaly> found_;
};

}  // namespace

std::string_view to_string(Anomaly::Kind kind) {
  switch (kind) {
    case Anomaly::Kind::new_source:
      return "new-source";
    case Anomaly::Kind::failing_source:
      return "failing-source";
    case Anomaly::Kind::volume:
      return "volume";
    case Anomaly::Kind::silent_source:
      return "silent-source";
    case Anomaly::Kind::unpublished_selector:
      return "unpublished-selector";
    case Anomaly::Kind::tls_failures:
      return "tls-failures";
  }
  return "";
}

std::vector<Anomaly> find_anomalies(const ReportView& view, const AnomalyPeriods& periods,
                                    const SelectorStates& selectors) {
  return Finder(view, periods, selectors).find();
}

std::vector<std::pair<std::string, std::string>> selectors_in_use(const ReportView& view,
                                                                  const AnomalyPeriods& periods,
                                                                  std::size_t most) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  for (const DomainView& domain : view.domains()) {
    for (const SelectorView& selector : domain.selectors) {
      if (selector.last >= periods.recent && selector.first <= periods.last)
        counts[{selector.domain, selector.selector}] += selector.messages + selector.failing;
    }
  }
  std::vector<std::pair<std::uint64_t, std::pair<std::string, std::string>>> sorted;
  for (const auto& [name, count] : counts) sorted.emplace_back(count, name);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (sorted.size() > most) sorted.resize(most);
  std::vector<std::pair<std::string, std::string>> names;
  for (auto& [count, name] : sorted) names.push_back(std::move(name));
  return names;
}

}  // namespace authmilter
