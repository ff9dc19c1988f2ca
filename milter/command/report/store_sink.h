#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include <authmilter/report_reader.h>
#include <authmilter/report_store.h>

#include "report/report_origin.h"

namespace authmilter::tools {

/// Puts what is read into a store, which must outlive it.
class StoreSink : public ReportSink {
 public:
  StoreSink(ReportStore& store, OurNames ours, std::int64_t now)
      : store_(store), ours_(std::move(ours)), now_(now) {}

  Result<Kept> begin(const AggregateReport& report, const ReportMail& mail) override;
  Status record(const AggregateRecord& record) override;
  Result<Kept> end() override;
  void abandon() noexcept override { intake_.reset(); }
  Result<Kept> keep(const TlsReport& report, const ReportMail& mail) override;
  Result<Kept> keep(const FailureReport& report, const ReportMail& mail) override;

 private:
  ReportStore& store_;
  OurNames ours_;
  std::int64_t now_;
  std::unique_ptr<AggregateIntake> intake_;
};

/// Keeps nothing but the names of what it was given, so that a second copy in one run is seen.
class CheckSink : public ReportSink {
 public:
  Result<Kept> begin(const AggregateReport& report, const ReportMail& mail) override;
  Status record(const AggregateRecord&) override { return Done{}; }
  Result<Kept> end() override { return kept(); }
  void abandon() noexcept override {}
  Result<Kept> keep(const TlsReport& report, const ReportMail& mail) override;
  Result<Kept> keep(const FailureReport& report, const ReportMail& mail) override;

 private:
  Kept kept() { return names_.insert(name_).second ? Kept::stored : Kept::duplicate; }

  std::unordered_set<std::string> names_;
  std::string name_;
};

}  // namespace authmilter::tools
