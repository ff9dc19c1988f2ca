#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <authmilter/crypto.h>
#include <authmilter/report_sending.h>

#include "report_sending/bounces.h"
#include "report_sending/destination_check.h"

namespace authmilter {
namespace {

using State = CheckedDestination::State;

// RFC 9991 section 2: like incidents are collected, and told together.
constexpr std::int64_t kGatherSeconds = 10 * 60;
// Nobody looks for the cause of what was yesterday.
constexpr std::int64_t kKeptSeconds = 24 * 3600;
constexpr std::chrono::seconds kHour{3600};

/// The record that SPF has failed by, as it is now (RFC 6591 section 3.2.5); empty where there is
/// none.
std::string spf_dns(const DomainName& domain, Resolver& resolver) {
  const auto answer = resolver.resolve({DnsName(domain), RrType::txt});
  for (const std::string& text : answer->texts()) {
    if (text.starts_with("v=spf1")) return "txt : " + domain.text() + " : \"" + text + "\"";
  }
  return "txt : " + domain.text() + " : \"\"";
}

class Failures {
 public:
  Failures(const SendRun& run, const FailureComposer& compose, ReportCarrier& carrier,
           std::int64_t now, const std::function<std::int64_t()>& clock)
      : run_(run),
        compose_(compose),
        carrier_(carrier),
        now_(now),
        clock_(clock),
        destinations_(run.resolver) {}

  FailureOutcome run(FailureSpool& spool) {
    auto waiting = spool.waiting();
    if (!waiting) return {{}, waiting.error().message};
    const auto bounces = run_.store.bounces();
    if (!bounces) return {{}, bounces.error().message};
    bounces_ = *bounces;
    for (FailureSpool::Waiting& kind : *waiting) {
      if (run_.stop && run_.stop()) break;
      if (kind.first + kGatherSeconds > now_) continue;
      const std::vector<std::string> left = send(kind);
      const bool too_old = kind.first + kKeptSeconds < now_;
      if (const Status kept = spool.keep(kind, too_old ? std::vector<std::string>() : left); !kept)
        outcome_.trouble = kept.error().message;
      if (!outcome_.trouble.empty()) break;
    }
    return std::move(outcome_);
  }

 private:
  /// The destinations that have to wait.
  std::vector<std::string> send(FailureSpool::Waiting& kind) {
    FailureNote& note = kind.note;
    if (note.spf_domain) note.report.spf_dns = spf_dns(*note.spf_domain, run_.resolver);
    std::vector<std::string> left;
    std::size_t sent = 0;
    // RFC 9991 section 2: an attempt for each of them, up to a limit of ours.
    for (const std::string& uri : note.ruf) {
      if (++sent > run_.config.destinations) break;
      FailureLine line{note.policy_domain.text(), uri, {}, note.report.incidents};
      if (!outcome_.trouble.empty() || send_to(kind, line) == SendState::planned)
        left.push_back(uri);
      outcome_.lines.push_back(std::move(line));
    }
    return left;
  }

  SendState send_to(const FailureSpool::Waiting& kind, FailureLine& line) {
    const auto settle = [&](SendState state, std::string why) {
      line.detail = std::move(why);
      return line.state = state;
    };
    if (std::string why = left_alone(bounces_, line.destination, now_); !why.empty())
      return settle(SendState::failed, std::move(why));
    // RFC 9991 section 5: as for aggregate reports, with `ruf` in the place of `rua`.
    const CheckedDestination to =
        destinations_.check(kind.note.policy_domain, line.destination, ReportTag::ruf);
    if (to.state == State::ignore) return settle(SendState::failed, to.reason);
    if (to.state == State::later) return settle(SendState::planned, to.reason);
    for (const ReportAddress& address : to.addresses) line.recipients.push_back(address.mailbox);
    const std::string id =
        fmt::format("failure.{}.{}@{}", kind.name, kind.first, run_.sender.submitter.text());
    if (!has_room(line.destination, id)) {
      if (!outcome_.trouble.empty()) return SendState::planned;
      return settle(SendState::planned, fmt::format("{} an hour have been sent there",
                                                    run_.config.failure_reports_per_hour));
    }
    const auto mail = compose_(kind.note.report, id, to.addresses);
    if (!mail) return settle(SendState::failed, mail.error().message);
    const Carried carried = carrier_.carry(*mail);
    switch (carried.state) {
      case Carried::State::done:
      case Carried::State::unknown:
        return settle(SendState::sent, carried.detail);
      case Carried::State::later:
        return settle(SendState::planned, carried.detail);
      case Carried::State::refused:
        break;
    }
    if (const auto noted = run_.store.note_bounce(line.destination, now_, carried.detail); !noted)
      outcome_.trouble = noted.error().message;
    return settle(SendState::failed, carried.detail);
  }

  /// RFC 9991 section 5.1: one of the mails that a destination gets in an hour. Each is a lease in
  /// the store, which nobody gives back.
  bool has_room(const std::string& destination, const std::string& id) {
    for (unsigned i = 0; i < run_.config.failure_reports_per_hour; ++i) {
      const auto taken = run_.store.take_lease(fmt::format("failure {} {}", destination, i),
                                               fmt::format("{} {}", id, now_), clock_(), kHour);
      if (!taken) outcome_.trouble = taken.error().message;
      if (!taken) return false;
      if (*taken) return true;
    }
    return false;
  }

  const SendRun& run_;
  const FailureComposer& compose_;
  ReportCarrier& carrier_;
  const std::int64_t now_;
  const std::function<std::int64_t()>& clock_;
  DestinationCheck destinations_;
  std::vector<Bounce> bounces_;
  FailureOutcome outcome_;
};

}  // namespace

FailureOutcome send_failures(FailureSpool& spool, const SendRun& run,
                             const FailureComposer& compose, ReportCarrier& carrier,
                             std::int64_t now, const std::function<std::int64_t()>& clock) {
  return Failures(run, compose, carrier, now, clock).run(spool);
}

}  // namespace authmilter
