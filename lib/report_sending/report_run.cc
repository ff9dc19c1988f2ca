#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include <authmilter/report_sending.h>

#include "dmarc/report_destinations.h"
#include "report_sending/bounces.h"
#include "report_sending/destination_check.h"
#include "report_sending/report_plan.h"
#include "report_sending/report_records.h"
#include "report_sending/send_quota.h"

namespace authmilter {
namespace {

using State = CheckedDestination::State;

// Rows of the last messages before midnight are still on their way into the store.
constexpr std::int64_t kSettlingSeconds = 30 * 60;
// After a longer pause nobody waits for the reports any more.
constexpr ReportDay kPlannedDays = 7;
// As MTAs do with mail (RFC 5321 section 4.5.4.1): four or five days.
constexpr ReportDay kTriedDays = 5;

constexpr std::string_view kLease = "report-send";
// Longer than one hand-over takes at most.
constexpr std::chrono::seconds kLeaseTime{600};

struct Days {
  ReportDay first = 0;
  ReportDay last = -1;
};

bool is_open(const SendEntry& entry) {
  return entry.state == SendState::planned || entry.state == SendState::sending;
}

/// All destinations of one report.
using ReportEntries = std::vector<SendEntry>;

/// The entries of each report together, in the order of days and domains.
std::vector<ReportEntries> by_report(std::vector<SendEntry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const SendEntry& a, const SendEntry& b) {
    return std::tie(a.day, a.policy_domain, a.report_id) <
           std::tie(b.day, b.policy_domain, b.report_id);
  });
  std::vector<ReportEntries> reports;
  for (SendEntry& entry : entries) {
    if (reports.empty() || reports.back().front().report_id != entry.report_id)
      reports.emplace_back();
    reports.back().push_back(std::move(entry));
  }
  return reports;
}

/// What the store has for one report.
struct ReportContent {
  ReportRecords records;
  std::optional<PolicyInForce> policy;
};

/// One run over a store: what sending and rehearsing have in common.
class Run {
 public:
  Run(const SendRun& run, const SendPeriod& period)
      : run_(run), period_(period), sender_(run.sender), destinations_(run.resolver) {}

  /// False, and the end of the run, where it cannot be read.
  bool read_secret() {
    auto secret = checked(run_.store.secret());
    if (secret) sender_.secret = std::move(*secret);
    return secret.has_value();
  }

  SendOutcome& outcome() { return outcome_; }
  const std::optional<StoreError>& trouble() const { return outcome_.trouble; }

  /// Nothing: there is no such day yet.
  std::optional<Days> days() {
    const ReportDay closed = report_day(period_.now - kSettlingSeconds) - 1;
    if (!period_.day) return Days{closed - kPlannedDays + 1, closed};
    if (*period_.day < report_day(period_.now)) return Days{*period_.day, *period_.day};
    outcome_.notes.emplace_back("the day is not over yet");
    return std::nullopt;
  }

  bool concerns(const DomainName& domain) const {
    return !period_.domain || *period_.domain == domain;
  }

  /// Entries that are there.
  std::vector<SendEntry> entries(const Days& days) {
    auto known = checked(run_.store.sends(days.first, days.last));
    if (!known) return {};
    std::erase_if(*known,
                  [this](const SendEntry& entry) { return !concerns(entry.policy_domain); });
    return std::move(*known);
  }

  /// Those that there should be, of subjects that have none yet: a report that is planned stays as
  /// it is, whatever comes into the store later.
  std::vector<std::vector<SendEntry>> new_entries(const Days& days,
                                                  const std::vector<SendEntry>& known) {
    std::vector<std::vector<SendEntry>> plans;
    const auto subjects = checked(run_.store.subjects(days.first, days.last));
    if (!subjects) return plans;
    std::set<std::pair<ReportDay, DomainName>> planned;
    for (const SendEntry& entry : known) planned.emplace(entry.day, entry.policy_domain);
    for (const ReportSubject& subject : *subjects) {
      if (!concerns(subject.policy_domain) || stopped()) continue;
      if (planned.contains({subject.day, subject.policy_domain})) continue;
      auto reports = checked(planned_reports(run_.store, subject, sender_));
      if (!reports) return plans;
      SubjectPlan plan =
          plan_subject(subject, std::move(*reports), sender_, run_.config, period_.now);
      for (std::string& note : plan.notes) outcome_.notes.push_back(std::move(note));
      if (!plan.entries.empty()) plans.push_back(std::move(plan.entries));
    }
    return plans;
  }

  std::optional<ReportContent> content(const SendEntry& entry) {
    ReportContent content;
    // Rows of one policy stand together.
    std::optional<PolicyInForce> last;
    bool of_report = false;
    const auto read = run_.store.rows(entry.day, entry.policy_domain, [&](const ReportRow& row) {
      if (!row.policy) return;
      if (last != row.policy) {
        last = row.policy;
        of_report = report_identity(entry, *last, sender_.secret).has_value();
      }
      if (!of_report) return;
      content.records.add(row);
      if (!content.policy || content.policy->error.empty()) content.policy = row.policy;
    });
    if (!checked(read)) return std::nullopt;
    return content;
  }

  Result<FittedReport> fitted(const ReportContent& content, const SendEntry& entry,
                              const std::vector<ReportAddress>& recipients) {
    if (!content.policy) return Error{"nothing is stored of it any more"};
    return fit_report(content.records, entry, *content.policy, sender_, run_.config, recipients,
                      run_.compose);
  }

  /// Its addresses without those that get the same report by another entry of it: a host may have
  /// replaced both (RFC 9990 section 4, step 9).
  CheckedDestination destination(const SendEntry& entry, std::set<std::string>& taken) {
    CheckedDestination found =
        destinations_.check(entry.policy_domain, entry.destination, ReportTag::rua);
    if (found.state != State::send) return found;
    std::erase_if(found.addresses, [&](const ReportAddress& address) {
      return !taken.insert(address.mailbox).second;
    });
    if (found.addresses.empty())
      return {State::ignore, {}, "the same address as that of another destination"};
    return found;
  }

  bool stopped() {
    if (!outcome_.stopped && run_.stop && run_.stop()) outcome_.stopped = true;
    return outcome_.stopped;
  }

  void tell(SendLine line, std::size_t done, std::size_t all) {
    if (run_.progress) run_.progress(line, done, all);
    outcome_.lines.push_back(std::move(line));
  }

  /// Null, and the end of the run, for an error.
  template <class T>
  std::optional<T> checked(StoreResult<T> result) {
    if (result) return std::move(*result);
    outcome_.trouble = result.error();
    return std::nullopt;
  }

 protected:
  const SendRun& run_;
  const SendPeriod& period_;
  ReportSender sender_;
  DestinationCheck destinations_;
  SendOutcome outcome_;
};

class Sending : public Run {
 public:
  Sending(const SendRun& run, ReportHandOver& hand_over, const SendPeriod& period,
          std::string_view holder, const std::function<std::int64_t()>& clock)
      : Run(run, period), hand_over_(hand_over), holder_(holder), clock_(clock) {}

  void run() {
    const auto days = this->days();
    if (!days || !take_lease()) return;
    if (read_secret()) plan(*days);
    if (!trouble() && !stopped()) send(*days);
    // Whoever comes next need not wait for its end.
    (void)run_.store.release_lease(kLease, holder_);
  }

 private:
  bool take_lease() {
    const auto taken = checked(run_.store.take_lease(kLease, holder_, clock_(), kLeaseTime));
    outcome_.elsewhere = taken && !*taken;
    return taken && *taken;
  }

  void plan(const Days& days) {
    const std::vector<SendEntry> known = entries(days);
    if (trouble()) return;
    // A subject's entries are written together: with a part of them, the rest would be forgotten.
    for (const auto& of_subject : new_entries(days, known)) {
      if (!checked(run_.store.plan(of_subject))) return;
    }
  }

  void send(const Days& days) {
    std::vector<SendEntry> known = entries(days);
    if (trouble()) return;
    count_today(known);
    std::vector<ReportEntries> reports = by_report(std::move(known));
    if (const auto bounces = checked(run_.store.bounces())) bounces_ = *bounces;
    std::erase_if(reports, [](const ReportEntries& entries) {
      return std::none_of(entries.begin(), entries.end(), is_open);
    });
    for (const ReportEntries& entries : reports)
      all_ += static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), is_open));
    for (const ReportEntries& entries : reports) {
      if (trouble() || outcome_.elsewhere || stopped()) break;
      send_report(entries);
    }
    for (const auto& [why, count] : left_out_)
      outcome_.notes.push_back(fmt::format("{} reports are left out: {}", count, why));
  }

  /// What earlier runs have sent today. It is not looked up where it cannot matter.
  void count_today(const std::vector<SendEntry>& known) {
    if (known.size() <= kReportsOfOwner) return;
    for (const SendEntry& entry : known) {
      if (entry.attempts == 0 || report_day(entry.changed) != report_day(period_.now)) continue;
      quota_.count(destinations_.owner(entry.policy_domain),
                   parse_report_destinations(entry.destination).addresses);
    }
  }

  void send_report(const ReportEntries& entries) {
    std::set<std::string> taken;
    // Those that have it already come first.
    for (const SendEntry& entry : entries) {
      if (entry.state == SendState::sent) (void)destination(entry, taken);
    }
    std::optional<ReportContent> content;
    for (const SendEntry& entry : entries) {
      if (!is_open(entry)) continue;
      if (stopped() || !take_lease()) return;
      if (!content && !(content = this->content(entry))) return;
      SendLine line{entry, content->records.messages()};
      const auto progress = send_entry(entry, *content, taken, line);
      if (!progress) return;
      line.entry.state = progress->state;
      line.entry.detail = progress->detail;
      tell(std::move(line), ++done_, all_);
    }
  }

  /// Writes down what became of an entry that is not handed over.
  std::optional<EntryProgress> settle(const SendEntry& entry, SendState state, std::string why) {
    const auto done = checked(run_.store.advance(entry, entry.state, state, period_.now, why));
    if (!done) return std::nullopt;
    if (!*done) return EntryProgress{entry.state, "somebody else is at it"};
    return EntryProgress{state, std::move(why)};
  }

  std::optional<EntryProgress> send_entry(const SendEntry& entry, const ReportContent& content,
                                          std::set<std::string>& taken, SendLine& line) {
    if (!period_.day && entry.day + kTriedDays < report_day(period_.now)) {
      return settle(entry, SendState::failed,
                    "given up" + (entry.detail.empty() ? "" : ": " + entry.detail));
    }
    if (std::string why = left_alone(bounces_, entry.destination, period_.now); !why.empty())
      return settle(entry, SendState::failed, std::move(why));
    CheckedDestination to = destination(entry, taken);
    if (to.state == State::ignore) return settle(entry, SendState::failed, to.reason);
    if (to.state == State::later) return settle(entry, entry.state, to.reason);
    for (const ReportAddress& address : to.addresses) line.recipients.push_back(address.mailbox);
    const DomainName owner = destinations_.owner(entry.policy_domain);
    if (std::string why = quota_.full(owner, to.addresses); !why.empty()) {
      ++left_out_[why];
      return settle(entry, SendState::failed, "left out: " + why);
    }
    const auto report = fitted(content, entry, to.addresses);
    if (!report) return settle(entry, SendState::failed, report.error().message);
    line.records = report->records;
    quota_.count(owner, to.addresses);
    return checked(hand_over_.hand_over(entry, report->mail, period_.now));
  }

  ReportHandOver& hand_over_;
  std::string_view holder_;
  const std::function<std::int64_t()>& clock_;
  std::vector<Bounce> bounces_;
  SendQuota quota_;
  std::map<std::string, std::size_t> left_out_;  // by why
  std::size_t done_ = 0;
  std::size_t all_ = 0;
};

class Rehearsal : public Run {
 public:
  using Take = std::function<Status(const SendLine&, const OutgoingReport&)>;
  Rehearsal(const SendRun& run, const SendPeriod& period, const Take& take)
      : Run(run, period), take_(take) {}

  void run() {
    const auto days = this->days();
    if (!days || !read_secret()) return;
    std::vector<SendEntry> all = entries(*days);
    if (trouble()) return;
    for (auto& of_subject : new_entries(*days, all))
      all.insert(all.end(), of_subject.begin(), of_subject.end());
    const std::size_t count = all.size();
    for (const ReportEntries& report : by_report(std::move(all))) {
      if (trouble() || stopped() || !rehearse(report, count)) return;
    }
  }

 private:
  bool rehearse(const ReportEntries& entries, std::size_t all) {
    std::set<std::string> taken;
    const auto content = this->content(entries.front());
    if (!content) return false;
    bool given = false;
    for (const SendEntry& entry : entries) {
      SendLine line{entry, content->records.messages()};
      const CheckedDestination to = destination(entry, taken);
      for (const ReportAddress& address : to.addresses) line.recipients.push_back(address.mailbox);
      if (to.state != State::send) line.entry.detail = to.reason;
      if (to.state == State::ignore && is_open(entry)) line.entry.state = SendState::failed;
      if (to.state == State::send) {
        const auto report = fitted(*content, entry, to.addresses);
        if (!report) {
          line.entry.state = SendState::failed;
          line.entry.detail = report.error().message;
        } else {
          line.records = report->records;
          if (!given) {
            if (const Status status = take_(line, report->mail); !status) {
              outcome_.trouble = StoreError{StoreError::Kind::refused, status.error().message};
              return false;
            }
          }
          given = true;
        }
      }
      tell(std::move(line), ++done_, all);
    }
    return true;
  }

  const Take& take_;
  std::size_t done_ = 0;
};

}  // namespace

SendOutcome send_reports(const SendRun& run, ReportHandOver& hand_over, const SendPeriod& period,
                         std::string_view holder, const std::function<std::int64_t()>& clock) {
  Sending sending(run, hand_over, period, holder, clock);
  sending.run();
  return std::move(sending.outcome());
}

SendOutcome rehearse_reports(
    const SendRun& run, const SendPeriod& period,
    const std::function<Status(const SendLine&, const OutgoingReport&)>& take) {
  Rehearsal rehearsal(run, period, take);
  rehearsal.run();
  return std::move(rehearsal.outcome());
}

}  // namespace authmilter
