#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/report_sending.h>
#include <authmilter/zone_resolver.h>

#include "lib/report_sending/memory_store.h"
#include "lib/report_sending/sample_rows.h"

/// A host that sends reports, for tests of its runs.
namespace authmilter::sending_test {

struct Crash {};

/// Takes what it is given, or says of an address what the test wants.
class ScriptedCarrier final : public ReportCarrier {
 public:
  std::vector<OutgoingReport> carried;
  std::map<std::string, Carried> answers;  // by the first recipient
  std::function<void(std::string_view)> before = nullptr, after = nullptr;

  Carried carry(const OutgoingReport& mail) override {
    if (before) before("carry");
    const auto answer = answers.find(mail.recipients.front());
    const bool takes = answer == answers.end() || answer->second.state == Carried::State::done;
    if (takes) carried.push_back(mail);
    if (after) after("carry");
    return answer == answers.end() ? Carried{Carried::State::done, "queued"} : answer->second;
  }
};

inline const std::string kZone =
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject; rua=mailto:d@example.com\"\n"
    "_dmarc.example.net. TXT \"v=DMARC1; p=reject; rua=mailto:d@example.net\"\n"
    "example.net._report._dmarc.reader.example. TXT \"v=DMARC1\"\n"
    "example.net._report._dmarc.moved.example. TXT \"v=DMARC1; rua=mailto:new@moved.example\"\n";

/// A host with a store, a carrier and the DNS.
struct Host {
  MemoryStore store;
  ScriptedCarrier carrier;
  std::unique_ptr<Resolver> resolver =
      make_test_resolver(kZone, {{"example.net._report._dmarc.slow.example", DnsFault::timeout}});
  ReportsConfig config;
  ReportSender sender = sample_sender();
  std::int64_t clock = kNight;
  std::function<bool()> stop = nullptr;
  std::vector<std::string> told;

  SendRun run() {
    return {store,
            *resolver,
            config,
            sender,
            [](const AggregateReport& report, std::span<const AggregateRecord> records,
               const SendEntry& entry, const std::vector<ReportAddress>& recipients) {
              OutgoingReport mail;
              for (const ReportAddress& one : recipients) mail.recipients.push_back(one.mailbox);
              mail.octets = report.metadata.report_id + " " + entry.file_name + " " +
                            std::to_string(records.size());
              return Result<OutgoingReport>(mail);
            },
            [this](const SendLine& line, std::size_t done, std::size_t all) {
              told.push_back(line.entry.destination + " " + std::to_string(done) + "/" +
                             std::to_string(all));
            },
            stop};
  }
  SendOutcome send(const SendPeriod& period, const std::string& holder = "mx 1") {
    DirectHandOver hand_over(store, carrier);
    return send_reports(run(), hand_over, period, holder, [this] { return clock; });
  }
  SendOutcome send(std::int64_t now = kNight) { return send(SendPeriod{now}); }
  /// "recipients" of each mail.
  std::vector<std::string> mails() const {
    std::vector<std::string> list;
    for (const OutgoingReport& mail : carrier.carried) {
      std::string text;
      for (const std::string& one : mail.recipients) text += (text.empty() ? "" : ",") + one;
      list.push_back(text);
    }
    return list;
  }
  std::vector<std::string> states() const {
    std::vector<std::string> list;
    for (const SendEntry& entry : store.sent)
      list.push_back(entry.destination.substr(7) + " " + std::string(to_string(entry.state)));
    std::sort(list.begin(), list.end());
    return list;
  }
};

using Lines = std::vector<std::string>;

inline ReportRow com(ReportDay day = kDay) {
  return row(policy("example.com", {"mailto:d@example.com"}), "192.0.2.1", 3, day);
}
inline ReportRow net(std::vector<std::string> rua, ReportDay day = kDay) {
  return row(policy("example.net", std::move(rua)), "192.0.2.2", 5, day);
}

}  // namespace authmilter::sending_test
