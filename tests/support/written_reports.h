#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <authmilter/report_reader.h>

namespace authmilter {

/// A store that keeps everything it is given in memory, for what is read to be looked at.
struct WrittenReports : ReportSink {
  struct Aggregate {
    AggregateReport report;
    std::vector<AggregateRecord> records;
    ReportMail mail;
  };
  std::vector<Aggregate> aggregate;
  std::vector<TlsReport> tls;
  std::vector<FailureReport> failures;
  std::vector<ReportMail> mails;  // of TLS and failure reports
  std::set<std::string> known;    // keys
  int abandoned = 0;
  bool broken = false;  // fails at the first record

  Result<Kept> begin(const AggregateReport& report, const ReportMail& mail) override {
    const std::string key = report.metadata.org_name + "|" + report.metadata.report_id + "|" +
                            report.policy_published.domain.text();
    if (known.count(key) > 0) return Kept::duplicate;
    open_.emplace_back(Aggregate{report, {}, mail}, key);
    return Kept::stored;
  }
  Status record(const AggregateRecord& record) override {
    if (broken) return Error{"the disk is full"};
    open_.back().first.records.push_back(record);
    return Done{};
  }
  Result<Kept> end() override {
    known.insert(open_.back().second);
    aggregate.push_back(std::move(open_.back().first));
    open_.clear();
    return Kept::stored;
  }
  void abandon() noexcept override {
    ++abandoned;
    open_.clear();
  }
  Result<Kept> keep(const TlsReport& report, const ReportMail& mail) override {
    if (!known.insert("tls|" + report.report_id).second) return Kept::duplicate;
    tls.push_back(report);
    mails.push_back(mail);
    return Kept::stored;
  }
  Result<Kept> keep(const FailureReport& report, const ReportMail& mail) override {
    failures.push_back(report);
    mails.push_back(mail);
    return Kept::stored;
  }

 private:
  std::vector<std::pair<Aggregate, std::string>> open_;
};

}  // namespace authmilter
