#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/report_view.h>

namespace authmilter {

/// What an administrator should look at.
struct Anomaly {
  enum class Kind : std::uint8_t {
    new_source,            // nobody saw it before
    failing_source,        // passed, and does no longer
    volume,                // several times what is usual
    silent_source,         // sent every day, and does no longer
    unpublished_selector,  // signs with a key that nobody can fetch
    tls_failures,          // sessions with us fail
  };
  Kind kind = Kind::new_source;
  std::string domain;
  std::string subject;         // the source, or the selector's name
  std::uint64_t messages = 0;  // that are concerned, of TLS sessions
  std::string text;            // with the numbers
};
/// "new-source"; stable.
std::string_view to_string(Anomaly::Kind kind);

/// Two periods that follow each other: what is usual, and what is looked at.
struct AnomalyPeriods {
  ReportDay first = 0;   // of what is usual
  ReportDay recent = 0;  // the first day that is looked at
  ReportDay last = 0;
};

enum class SelectorState : std::uint8_t { published, missing, unknown };
/// By domain and selector. What is not in here is unknown.
using SelectorStates = std::map<std::pair<std::string, std::string>, SelectorState>;

// Reports come a day after the day, and some a day later still; so three days are looked at.
constexpr int kRecentDays = 3;
// With less than a week nobody knows what is usual: weekends differ from other days.
constexpr unsigned kUsualDays = 7;
// Single messages come from everywhere: forwarders, forgers, a traveller.
constexpr std::uint64_t kNoticedMessages = 20;
// A new source that nothing authenticates is a forger most of the time, and there are new ones each
// day; it is told of when it is a part of the domain's mail that one would miss.
constexpr std::uint64_t kNoticedStrangers = 200;
// Pass rates, in percent: of a source that worked, and of one that does no longer.
constexpr unsigned kWorkingPercent = 90;
constexpr unsigned kFailingPercent = 70;
// Newsletters double a day's mail and more; stolen accounts and mistakes in loops do far worse.
constexpr std::uint64_t kVolumeTimes = 5;
constexpr std::uint64_t kNoticedVolume = 200;  // messages in the days that are looked at
// A source that is there on nearly all days is missed when it is not.
constexpr unsigned kRegularPercent = 80;
constexpr unsigned kTlsFailurePercent = 5;

/// Sorted by domain, kind and messages. Empty where all is as usual, or nothing is known of that.
std::vector<Anomaly> find_anomalies(const ReportView& view, const AnomalyPeriods& periods,
                                    const SelectorStates& selectors);

/// The selectors in use in the recent days, whose state is worth asking for: at most `most`, those
/// of most messages first.
std::vector<std::pair<std::string, std::string>> selectors_in_use(const ReportView& view,
                                                                  const AnomalyPeriods& periods,
                                                                  std::size_t most);

}  // namespace authmilter
