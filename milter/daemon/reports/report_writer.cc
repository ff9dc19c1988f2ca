#include "reports/report_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <authmilter/failure_spool.h>

namespace authmilter {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kFlush = 1s;
// Rows that make it worth while to come before that.
constexpr std::size_t kEnough = 5000;
// A row has about a kilobyte, so these are some 30 MB. A database that is away for longer than it
// takes to fill them needs a spool.
constexpr std::size_t kMost = 30'000;
constexpr auto kRetryAtEnd = 100ms;
// Of a second. More of them are hardly more ways to fail.
constexpr std::size_t kMostFailures = 50;

std::int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

ReportWriter::ReportWriter(Logger& logger, Metrics& metrics, std::size_t process,
                           std::size_t processes)
    : logger_(logger),
      metrics_(metrics),
      process_(process),
      delivery_(logger, metrics, process, processes) {}

ReportWriter::~ReportWriter() {
  stop(0ms);
  if (thread_.joinable()) thread_.join();
}

void ReportWriter::configure(const ReportsConfig& config) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    if (!config.store || stop_by_) return;
    thread_ = std::thread([this] { run(); });
  }
  new_config_ = config;
  failures_folder_ = failures_folder(config);
  wake_.notify_one();
}

void ReportWriter::take(const MessageRecord& record, const ReportsConfig& config) {
  if (!config.store) return;
  auto row = report_row(record, config);
  if (!row) return;
  const std::string key = RowSums::key_of(*row);
  auto failure = failure_note(record, config);
  bool begins_to_be_full = false;
  {
    const std::lock_guard lock(mutex_);
    if (stop_by_) return;
    if (failure && failures_.size() < kMostFailures) failures_.push_back(std::move(*failure));
    if (sums_.add(key, std::move(*row), kMost)) {
      if (sums_.size() == kEnough) wake_.notify_one();
    } else {
      Metrics::count(metrics_.report_messages, ReportFate::dropped);
      begins_to_be_full = !std::exchange(full_, true);
    }
    metrics_.process(process_).report_waiting = sums_.messages();
  }
  if (begins_to_be_full)
    logger_.error("messages are missing in reports: there is no room for their rows any more");
}

void ReportWriter::stop(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (!stop_by_) stop_by_ = Clock::now() + limit;
  wake_.notify_one();
  if (!thread_.joinable()) return;
  // It may be in the middle of a call that takes longer.
  ended_wake_.wait_until(lock, *stop_by_, [this] { return ended_; });
}

std::vector<ReportRow> ReportWriter::wait_for_rows() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kFlush, [this] {
    return stop_by_.has_value() || new_config_.has_value() ||
           (sums_.size() >= kEnough && !delivery_.waits());
  });
  if (new_config_) {
    const ReportsConfig config = *std::exchange(new_config_, std::nullopt);
    lock.unlock();
    // What is left belongs to the store that is in force still.
    delivery_.go_on(Clock::now());
    delivery_.configure(config);
    if (!config.store) delivery_.drop();
    lock.lock();
  }
  if (delivery_.waits()) return {};
  full_ = false;
  metrics_.process(process_).report_waiting = 0;
  return sums_.take();
}

void ReportWriter::put_failures_aside() {
  std::vector<FailureNote> failures;
  std::string folder;
  {
    const std::lock_guard lock(mutex_);
    failures = std::exchange(failures_, {});
    folder = failures_folder_;
  }
  if (failures.empty()) return;
  FailureSpool spool(folder);
  std::string trouble;
  for (const FailureNote& failure : failures) {
    if (const Status added = spool.add(failure); !added) trouble = added.error().message;
  }
  if (!trouble.empty() && trouble != failures_trouble_)
    logger_.warning("failure reports are missing", {{"reason", trouble}});
  failures_trouble_ = trouble;
}

void ReportWriter::run() {
  for (;;) {
    try {
      delivery_.add(wait_for_rows());
      put_failures_aside();
      delivery_.go_on(Clock::now());
      {
        const std::lock_guard lock(mutex_);
        if (stop_by_) break;
      }
      // One process is enough.
      if (process_ == 0) delivery_.prune(unix_time());
    } catch (const std::exception& e) {
      logger_.error("internal error", {{"callback", "reports"}, {"what", e.what()}});
    }
  }
  end();
}

void ReportWriter::end() {
  for (;;) {
    Clock::time_point stop_by;
    {
      const std::lock_guard lock(mutex_);
      stop_by = *stop_by_;
      if (!delivery_.waits()) delivery_.add(sums_.take());
    }
    try {
      put_failures_aside();
      delivery_.go_on(Clock::now());
    } catch (const std::exception& e) {
      logger_.error("internal error", {{"callback", "reports"}, {"what", e.what()}});
    }
    const bool left = delivery_.waits();
    if (!left || Clock::now() >= stop_by) {
      if (left) logger_.error("messages are missing in reports: their rows cannot be stored");
      break;
    }
    std::this_thread::sleep_for(kRetryAtEnd);
  }
  delivery_.drop();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  ended_wake_.notify_all();
}

}  // namespace authmilter
