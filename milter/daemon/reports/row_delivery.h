#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <authmilter/report_store.h>
#include <authmilter/reports_config.h>
#include <authmilter/row_spool.h>

#include "log/log.h"
#include "metrics/metrics.h"

namespace authmilter {

/// Brings batches of rows into the store, each once and in their order. What the store cannot take
/// now waits: in the spool, where there is one for it (PostgreSQL), else in memory. Says in the log
/// when that begins and when it is over. For one thread, which it may keep for some seconds;
/// borrows all.
class RowDelivery {
 public:
  using Clock = std::chrono::steady_clock;
  using OpenStore =
      std::function<StoreResult<std::unique_ptr<ReportStore>>(const StoreAddress& address)>;

  /// `process` is the number of this one of `processes`, and of its spool.
  RowDelivery(
      Logger& logger, Metrics& metrics, std::size_t process, std::size_t processes,
      OpenStore open = [](const StoreAddress& address) {
        return ReportStore::open(address, ReportStore::Access::write);
      });

  /// What waits goes to where `config` says from now on.
  void configure(const ReportsConfig& config);
  /// One more batch. Nobody should come with another while something waits.
  void add(std::vector<ReportRow> rows);
  /// Goes on with what waits, in memory and in the spool.
  void go_on(Clock::time_point now);
  /// True when something waits in memory.
  bool waits() const { return !waiting_.empty(); }
  /// Gives up what waits in memory.
  void drop();
  /// Removes what the store has kept long enough, if that has not been done on this day (UTC, of
  /// `now` in seconds since 1970), and nobody else is at it.
  void prune(std::int64_t now);

 private:
  struct Batch {
    BatchId id;
    std::vector<ReportRow> rows;
  };
  enum class Outcome { taken, later };

  Outcome offer(const BatchId& id, const std::vector<ReportRow>& rows);
  bool store_is_open(Clock::time_point now);
  void store_failed(const StoreError& error, Clock::time_point now);
  void store_works();
  void empty_spool(Clock::time_point now);
  /// True when nothing is left in it.
  bool empty(RowSpool& spool, Clock::time_point now);
  /// Goes on with the spool of a process that there is not any more: of a socket that was taken out
  /// of the configuration. The first process does that.
  void empty_left_spool(Clock::time_point now);
  bool spool_is_open(Clock::time_point now);
  bool put_into_spool(const Batch& batch, Clock::time_point now);
  void count(ReportFate fate, std::uint64_t messages);
  void tell_gauges();

  Logger& logger_;
  Metrics& metrics_;
  const std::size_t process_;
  const std::size_t processes_;
  const OpenStore open_;
  const std::string writer_;
  std::uint64_t batches_ = 0;
  ReportsConfig config_;
  std::unique_ptr<ReportStore> store_;
  std::unique_ptr<RowSpool> spool_;
  bool spooled_ = false;                     // there is something in the spool
  std::vector<std::filesystem::path> left_;  // spools of others
  std::deque<Batch> waiting_;
  std::string trouble_;  // of the store, as the log has it; empty: none
  std::string spool_trouble_;
  std::uint64_t dropped_ = 0;  // since the trouble began
  Clock::time_point next_try_;
  Clock::time_point next_spool_try_;
  ReportDay pruned_ = 0;
};

}  // namespace authmilter
