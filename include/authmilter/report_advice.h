#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/policy_record.h>
#include <authmilter/report_view.h>

namespace authmilter {

/// How a source stands to a domain in whose name it sends.
enum class SourceStanding : std::uint8_t {
  good,       // all of its mail passes DMARC
  partly,     // some passes, some does not
  unaligned,  // authenticates as another domain: a service that sends for this one, or a stranger
  forwarder,  // hands on what was signed, and breaks the signature
  unknown,    // nothing authenticates it: whom a policy is for, or a host that was forgotten
};
std::string_view to_string(SourceStanding standing);
SourceStanding standing_of(const SourceView& source);

/// What is to be done about a source: empty for a good one.
std::string remedy_for(const SourceView& source, std::string_view domain);

/// A change of what a domain publishes.
enum class PolicyChange : std::uint8_t {
  quarantine,   // p=quarantine
  reject,       // p=reject
  hard_spf,     // "-all"
  strict_dkim,  // adkim=s
  strict_spf,   // aspf=s
  strict_both,
  drop_selector,
};

/// A source that a change would hit.
struct Hit {
  ReportSource source;
  SourceStanding standing = SourceStanding::good;
  std::uint64_t messages = 0;
};

/// What a change would have done in the period.
struct ChangeOutcome {
  PolicyChange change = PolicyChange::quarantine;
  std::string text;              // as published: "p=quarantine", "-all", "without selector 2026a"
  std::uint64_t hit = 0;         // messages, of whatever source
  std::uint64_t hit_wanted = 0;  // of sources that are probably the domain's own
  std::uint64_t wanted = 0;      // what these sent altogether
  bool ready = false;
  std::string reason;     // for that, with the numbers
  std::vector<Hit> hits;  // by messages, all of them
};

struct Advice {
  std::string domain;
  std::optional<AssessmentPolicy> policy;  // what is published now, where that is known
  ReportDay first = 0, last = 0;           // of the period that was asked about
  unsigned days_seen = 0;                  // in it, of which there are reports
  ReportTally total;
  std::vector<ChangeOutcome> changes;
  /// What comes next on the way from none by quarantine to reject, one line each.
  std::vector<std::string> path;
};

// Fewer days miss what is sent once a month; RFC 7489's and RFC 9989's deployment advice asks for
// observation first, without a number. Fewer messages say nothing of a thousandth.
constexpr unsigned kAdviceDays = 28;
constexpr std::uint64_t kAdviceMessages = 1000;
// Of 10,000 wanted messages, how many may be hit: what goes to the junk folder can be found there,
// what is rejected is a person's mail that did not arrive.
constexpr std::uint64_t kQuarantineHits = 50;
constexpr std::uint64_t kRejectHits = 10;

/// What would have happened. Mail of sources that authenticate in whatever way counts as wanted,
/// but for those whose name is in `not_ours`; so does what fails of a source that also passes.
Advice advise(const DomainView& domain, ReportDay first, ReportDay last,
              std::optional<AssessmentPolicy> policy,
              const std::set<std::string, std::less<>>& not_ours);

}  // namespace authmilter
