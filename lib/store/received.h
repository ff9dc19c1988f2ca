#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <authmilter/report_store.h>

#include "sql/sql.h"
#include "store/known_texts.h"
#include "store/own_rows.h"

namespace authmilter {

// Reports that others have sent.

/// Whether it is there already, and one that comes `from` there would not take its place.
SqlResult<bool> has_report(SqlDatabase& database, const AggregateReport& report,
                           const ReportOrigin& from);

/// An aggregate report on its way in, over a database that belongs to it until the end.
class Intake {
 public:
  Intake(SqlDatabase& database, KnownTexts& known, AggregateReport report, ReportOrigin from);
  SqlStatus record(const AggregateRecord& record);
  SqlResult<Kept> finish();

 private:
  struct Held {
    KindText kind;
    SqlOctets source;
    std::uint64_t messages = 0;
  };
  /// Begins the transaction, if need be, and writes down what is held.
  SqlStatus write();

  SqlDatabase& database_;
  KnownTexts& known_;
  const AggregateReport report_;
  const ReportOrigin from_;
  const ReportDay day_;
  std::unique_ptr<SqlTransaction> transaction_;
  bool duplicate_ = false;
  std::int64_t id_ = 0;
  std::int64_t no_policy_ = 0;
  std::vector<Held> held_;
  std::uint64_t records_ = 0, messages_ = 0;
};

SqlResult<Kept> keep_report(SqlDatabase& database, const TlsReport& report,
                            const ReportOrigin& from);
SqlResult<Kept> keep_report(SqlDatabase& database, const FailureReport& report,
                            const ReportOrigin& from);
SqlResult<std::vector<ReceivedReport>> find_received(SqlDatabase& database, ReportDay first,
                                                     ReportDay last);

}  // namespace authmilter
