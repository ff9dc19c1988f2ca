#include "reports/row_delivery.h"

#include <algorithm>
#include <random>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace authmilter {
namespace {

using namespace std::chrono_literals;

// A database that is busy is so for moments, one that is gone is gone for longer; one of another
// version stays so until somebody sees to it.
constexpr auto kRetry = 1s;
constexpr auto kRetryRefused = 60s;
// Of the spool in one go, so that new rows get their turn.
constexpr int kSpooledBatches = 100;
// Reports are sent on the day after, or as soon as the destination takes them.
constexpr ReportDay kOpenDays = 2;
constexpr auto kPruneTime = std::chrono::hours(1);

/// Of this process and no other, ever.
std::string new_writer() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

std::string spool_name(std::size_t process) { return fmt::format("rows-{}.db", process); }

/// Spools of processes from `processes` on, which there were with another configuration.
std::vector<std::filesystem::path> left_spools(const std::string& folder, std::size_t processes) {
  std::vector<std::filesystem::path> found;
  for (std::size_t number = processes; number < Metrics::kProcesses; ++number) {
    std::filesystem::path path = std::filesystem::path(folder) / spool_name(number);
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored)) found.push_back(std::move(path));
  }
  return found;
}

std::uint64_t messages_in(const std::vector<ReportRow>& rows) {
  std::uint64_t sum = 0;
  for (const ReportRow& row : rows) sum += row.record.count;
  return sum;
}

}  // namespace

RowDelivery::RowDelivery(Logger& logger, Metrics& metrics, std::size_t process,
                         std::size_t processes, OpenStore open)
    : logger_(logger),
      metrics_(metrics),
      process_(process),
      processes_(processes),
      open_(std::move(open)),
      writer_(new_writer()) {}

void RowDelivery::configure(const ReportsConfig& config) {
  if (config.store != config_.store) {
    store_.reset();
    trouble_.clear();
    next_try_ = {};
  }
  if (config.spool != config_.spool || config.store != config_.store) {
    spool_.reset();
    spooled_ = false;
    spool_trouble_.clear();
    next_spool_try_ = {};
  }
  config_ = config;
  // Batches of a process that has ended may be there.
  if (spool_is_open(Clock::now())) {
    const auto messages = spool_->messages();
    spooled_ = messages && *messages > 0;
  }
  left_ = process_ == 0 && config_.store && config_.store->engine == StoreEngine::postgresql
              ? left_spools(config_.spool, processes_)
              : std::vector<std::filesystem::path>();
}

void RowDelivery::add(std::vector<ReportRow> rows) {
  if (rows.empty()) return;
  waiting_.push_back({{writer_, ++batches_}, std::move(rows)});
}

void RowDelivery::go_on(Clock::time_point now) {
  if (!config_.store) return;
  // What is in the spool came first.
  if (spooled_) empty_spool(now);
  if (!left_.empty()) empty_left_spool(now);
  while (!waiting_.empty()) {
    const Batch& batch = waiting_.front();
    const bool taken =
        !spooled_ && store_is_open(now) && offer(batch.id, batch.rows) == Outcome::taken;
    if (!taken && !put_into_spool(batch, now)) break;
    waiting_.pop_front();
  }
  tell_gauges();
}

void RowDelivery::drop() {
  for (const Batch& batch : waiting_) count(ReportFate::dropped, messages_in(batch.rows));
  waiting_.clear();
  tell_gauges();
}

void RowDelivery::prune(std::int64_t now) {
  const ReportDay today = report_day(now);
  if (today == pruned_ || !store_ || !trouble_.empty() || spooled_) return;
  pruned_ = today;
  const auto lease = store_->take_lease("prune", writer_, now, kPruneTime);
  if (!lease || !*lease) return;
  const auto days = std::chrono::duration_cast<std::chrono::hours>(config_.retention).count() / 24;
  const auto pruned = store_->prune(today, static_cast<ReportDay>(days));
  if (!pruned) {
    store_failed(pruned.error(), Clock::now());
  } else if (*pruned == Pruned::clock_leaps) {
    logger_.warning(
        "rows of reports are kept for now: the clock of this host is a month or more "
        "after all that the store has; if it is right, they go in a week",
        {{"store", config_.store->printable()}, {"setting", "reports.retention"}});
  }
  if (auto done = store_->settle(today - kOpenDays); !done)
    store_failed(done.error(), Clock::now());
  if (auto done = store_->release_lease("prune", writer_); !done)
    store_failed(done.error(), Clock::now());
}

RowDelivery::Outcome RowDelivery::offer(const BatchId& id, const std::vector<ReportRow>& rows) {
  const auto outcome = store_->add(id, rows);
  if (outcome) {
    count(ReportFate::stored, messages_in(rows));
    store_works();
    return Outcome::taken;
  }
  store_failed(outcome.error(), Clock::now());
  if (outcome.error().kind == StoreError::Kind::later) return Outcome::later;
  // It would be refused again, and all behind it would wait.
  count(ReportFate::dropped, messages_in(rows));
  return Outcome::taken;
}

bool RowDelivery::store_is_open(Clock::time_point now) {
  if (now < next_try_) return false;
  if (store_) return true;
  auto opened = open_(*config_.store);
  if (!opened) {
    store_failed(opened.error(), Clock::now());
    return false;
  }
  store_ = std::move(*opened);
  return true;
}

void RowDelivery::store_failed(const StoreError& error, Clock::time_point now) {
  next_try_ = now + (error.kind == StoreError::Kind::refused ? kRetryRefused : kRetry);
  metrics_.process(process_).report_store_failed = 1;
  if (trouble_.empty()) {
    dropped_ = 0;
    logger_.error("rows of reports cannot be stored now, mail goes on",
                  {{"store", config_.store->printable()}, {"reason", error.message}});
  }
  trouble_ = error.message;
}

void RowDelivery::store_works() {
  metrics_.process(process_).report_store_failed = 0;
  if (trouble_.empty()) return;
  logger_.info("rows of reports are stored again",
               {{"store", config_.store->printable()},
                {"messages_lost", static_cast<std::int64_t>(dropped_)}});
  trouble_.clear();
}

void RowDelivery::empty_spool(Clock::time_point now) {
  if (empty(*spool_, now)) spooled_ = false;
}

bool RowDelivery::empty(RowSpool& spool, Clock::time_point now) {
  for (int batches = 0; batches < kSpooledBatches && store_is_open(now); ++batches) {
    auto batch = spool.oldest();
    if (!batch) return false;
    if (!*batch) return true;
    if (offer((*batch)->id, (*batch)->rows) == Outcome::later) return false;
    // A crash before this makes it come again, and then it is not counted.
    if (!spool.remove((*batch)->id)) return false;
  }
  return false;
}

void RowDelivery::empty_left_spool(Clock::time_point now) {
  if (!store_is_open(now)) return;
  const std::filesystem::path path = left_.back();
  {
    auto spool = RowSpool::open(path.parent_path(), path.filename().string());
    // Somebody is at it, or it is not one: the next start sees it again.
    if (!spool) {
      left_.pop_back();
      return;
    }
    if (!empty(**spool, now)) return;
  }
  left_.pop_back();
  for (const char* beside : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::remove(path.string() + beside, ignored);
  }
  logger_.info("rows of a socket that is gone are stored", {{"spool", path.string()}});
}

bool RowDelivery::spool_is_open(Clock::time_point now) {
  // SQLite's file is on this host, as the spool would be.
  const bool wanted =
      config_.store && config_.store->engine == StoreEngine::postgresql && !config_.spool.empty();
  if (!wanted) return false;
  if (spool_) return true;
  if (now < next_spool_try_) return false;
  auto opened = RowSpool::open(config_.spool, spool_name(process_));
  if (opened) {
    spool_ = std::move(*opened);
    spool_trouble_.clear();
    return true;
  }
  next_spool_try_ = now + kRetryRefused;
  if (spool_trouble_.empty())
    logger_.warning("the spool cannot be used", {{"reason", opened.error().message}});
  spool_trouble_ = opened.error().message;
  return false;
}

bool RowDelivery::put_into_spool(const Batch& batch, Clock::time_point now) {
  if (!spool_is_open(now)) return false;
  if (auto put = spool_->put(batch.id, batch.rows); !put) {
    if (spool_trouble_.empty())
      logger_.warning("the spool cannot be used", {{"reason", put.error().message}});
    spool_trouble_ = put.error().message;
    return false;
  }
  spool_trouble_.clear();
  spooled_ = true;
  count(ReportFate::spooled, messages_in(batch.rows));
  return true;
}

void RowDelivery::count(ReportFate fate, std::uint64_t messages) {
  Metrics::add(metrics_.report_messages[static_cast<std::size_t>(fate)], messages);
  if (fate == ReportFate::dropped) dropped_ += messages;
}

void RowDelivery::tell_gauges() {
  std::uint64_t spooled = 0;
  if (spooled_ && spool_) {
    if (const auto messages = spool_->messages()) spooled = *messages;
  }
  metrics_.process(process_).report_spooled = spooled;
}

}  // namespace authmilter
