#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <authmilter/failure_note.h>
#include <authmilter/message_record.h>
#include <authmilter/report_row.h>
#include <authmilter/reports_config.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "reports/row_delivery.h"

namespace authmilter {

/// Writes down what reports are made of, in a thread of its own: mail never waits for it. Rows are
/// added up in memory, as many as there is room for, and go to the store every second or so; what
/// finds no room is counted, and lost. Borrows all. take() from any thread, the rest from one.
class ReportWriter {
 public:
  /// `process` is the number of this one of `processes`.
  ReportWriter(Logger& logger, Metrics& metrics, std::size_t process, std::size_t processes = 1);
  ReportWriter(const ReportWriter&) = delete;
  ReportWriter& operator=(const ReportWriter&) = delete;
  ~ReportWriter();

  /// Of the configuration that is in force from now on; the first with a store starts the thread.
  void configure(const ReportsConfig& config);
  /// One message, by the configuration that it was treated by. Costs some microseconds.
  void take(const MessageRecord& record, const ReportsConfig& config);
  /// Brings what there is to the store or to the spool, for at most `limit`. Nothing is taken
  /// afterwards.
  void stop(std::chrono::milliseconds limit);

 private:
  void run();
  void put_failures_aside();
  /// What to do next, or nothing when it is time to end.
  std::vector<ReportRow> wait_for_rows();
  void end();

  Logger& logger_;
  Metrics& metrics_;
  const std::size_t process_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_wake_;
  // Under the mutex.
  RowSums sums_;
  std::vector<FailureNote> failures_;
  std::string failures_folder_;
  std::optional<ReportsConfig> new_config_;
  std::optional<std::chrono::steady_clock::time_point> stop_by_;
  bool ended_ = false;
  bool full_ = false;  // that has been said

  RowDelivery delivery_;          // of the thread
  std::string failures_trouble_;  // of the thread, as the log has it; empty: none
  std::thread thread_;
};

}  // namespace authmilter
