#include <algorithm>
#include <functional>
#include <string>

#include <fmt/format.h>

#include <authmilter/report_advice.h>

namespace authmilter {
namespace {

using NotOurs = std::set<std::string, std::less<>>;
using CountOf = std::function<std::uint64_t(const SourceView&)>;

bool is_wanted(const SourceView& source, const NotOurs& not_ours) {
  if (not_ours.contains(source.source.name)) return false;
  switch (standing_of(source)) {
    case SourceStanding::good:
    case SourceStanding::partly:
    case SourceStanding::unaligned:
    case SourceStanding::forwarder:
      return true;
    case SourceStanding::unknown:
      return false;
  }
  return false;
}

/// "0.12 %"; more than nothing never reads as nothing.
std::string share_text(std::uint64_t part, std::uint64_t all) {
  if (part == 0 || all == 0) return "0 %";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(all);
  return percent < 0.01 ? "less than 0.01 %" : fmt::format("{:.2f} %", percent);
}

ChangeOutcome outcome_of(const DomainView& domain, const NotOurs& not_ours, PolicyChange change,
                         std::string text, const CountOf& count) {
  ChangeOutcome outcome;
  outcome.change = change;
  outcome.text = std::move(text);
  for (const SourceView& source : domain.sources) {
    const std::uint64_t hit = count(source);
    const bool wanted = is_wanted(source, not_ours);
    if (wanted) outcome.wanted += source.total.messages;
    if (hit == 0) continue;
    outcome.hit += hit;
    if (wanted) outcome.hit_wanted += hit;
    outcome.hits.push_back({source.source, standing_of(source), hit});
  }
  std::stable_sort(outcome.hits.begin(), outcome.hits.end(),
                   [](const Hit& a, const Hit& b) { return a.messages > b.messages; });
  return outcome;
}

/// Whether the period says enough to judge by, and how much of what is wanted may be hit.
void judge(ChangeOutcome& outcome, const Advice& advice, std::uint64_t hits_of_10000) {
  const std::string numbers = fmt::format(
      "{} of {} messages that are probably yours ({}) would have been hit", outcome.hit_wanted,
      outcome.wanted, share_text(outcome.hit_wanted, outcome.wanted));
  if (advice.days_seen < kAdviceDays) {
    outcome.reason = fmt::format("reports of {} days are not enough, {} are: {}", advice.days_seen,
                                 kAdviceDays, numbers);
  } else if (advice.total.messages < kAdviceMessages) {
    outcome.reason = fmt::format("{} messages are not enough, {} are: {}", advice.total.messages,
                                 kAdviceMessages, numbers);
  } else {
    // Counts come from strangers and may be huge.
    outcome.ready = static_cast<double>(outcome.hit_wanted) * 10'000 <=
                    static_cast<double>(outcome.wanted) * static_cast<double>(hits_of_10000);
    outcome.reason = outcome.ready ? numbers
                                   : fmt::format("{}, more than {:.1f} %", numbers,
                                                 static_cast<double>(hits_of_10000) / 100);
  }
}

void add_selector_outcomes(Advice& advice, const DomainView& domain) {
  for (const SelectorView& selector : domain.selectors) {
    if (selector.messages == 0) continue;
    ChangeOutcome outcome;
    outcome.change = PolicyChange::drop_selector;
    outcome.text = fmt::format("without {}._domainkey.{}", selector.selector, selector.domain);
    outcome.hit = outcome.hit_wanted = selector.only;
    outcome.wanted = selector.messages;
    judge(outcome, advice, 0);
    advice.changes.push_back(std::move(outcome));
  }
}

const ChangeOutcome& find(const Advice& advice, PolicyChange change) {
  return *std::find_if(advice.changes.begin(), advice.changes.end(),
                       [&](const ChangeOutcome& one) { return one.change == change; });
}

std::string step_text(const ChangeOutcome& outcome) {
  return fmt::format("{}: {}: {}", outcome.text, outcome.ready ? "ready" : "not ready",
                     outcome.reason);
}

std::vector<std::string> path_of(const Advice& advice) {
  const auto policy = advice.policy.value_or(AssessmentPolicy::none);
  if (policy == AssessmentPolicy::reject) return {"p=reject is published: nothing is left to do"};
  const auto& quarantine = find(advice, PolicyChange::quarantine);
  const auto& reject = find(advice, PolicyChange::reject);
  std::vector<std::string> path;
  if (policy == AssessmentPolicy::none) {
    path.push_back(step_text(quarantine));
    if (quarantine.ready) {
      // RFC 9989 section 4.7: with t=y the policy that applies is one step lower.
      path.push_back(
          "publish \"p=quarantine; t=y\" for a week, look at the reports, then drop t=y");
    } else {
      path.push_back("stay at p=none and mend the sources that are named");
      return path;
    }
  }
  path.push_back(step_text(reject));
  if (policy == AssessmentPolicy::quarantine) {
    path.push_back(reject.ready ? "publish \"p=reject; t=y\" for a week, look at the reports, then "
                                  "drop t=y"
                                : "stay at p=quarantine and mend the sources that are named");
  } else {
    path.push_back("ask again after four weeks of p=quarantine before p=reject");
  }
  return path;
}

}  // namespace

Advice advise(const DomainView& domain, ReportDay first, ReportDay last,
              std::optional<AssessmentPolicy> policy, const NotOurs& not_ours) {
  Advice advice;
  advice.domain = domain.name;
  advice.policy = policy;
  advice.first = first;
  advice.last = last;
  advice.days_seen = static_cast<unsigned>(domain.days.size());
  advice.total = domain.total;
  const auto add = [&](PolicyChange change, const char* text, std::uint64_t hits_of_10000,
                       const CountOf& count) {
    ChangeOutcome outcome = outcome_of(domain, not_ours, change, text, count);
    judge(outcome, advice, hits_of_10000);
    advice.changes.push_back(std::move(outcome));
  };
  const auto fails = [](const SourceView& source) { return source.total.fail(); };
  add(PolicyChange::quarantine, "p=quarantine", kQuarantineHits, fails);
  add(PolicyChange::reject, "p=reject", kRejectHits, fails);
  // Of "-all" only what passes by a signature is a loss: the rest fails already.
  add(PolicyChange::hard_spf, "-all", kRejectHits,
      [](const SourceView& source) { return source.what_if.hard_spf_passing; });
  add(PolicyChange::strict_dkim, "adkim=s", kRejectHits,
      [](const SourceView& source) { return source.what_if.strict_dkim; });
  add(PolicyChange::strict_spf, "aspf=s", kRejectHits,
      [](const SourceView& source) { return source.what_if.strict_spf; });
  add(PolicyChange::strict_both, "adkim=s; aspf=s", kRejectHits,
      [](const SourceView& source) { return source.what_if.strict_both; });
  add_selector_outcomes(advice, domain);
  advice.path = path_of(advice);
  return advice;
}

}  // namespace authmilter
