#include "store/sql_store.h"

#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "store/day_rows.h"
#include "store/own_rows.h"
#include "store/prune.h"
#include "store/received.h"
#include "store/schema.h"
#include "store/send_log.h"
#include "store/views.h"

namespace authmilter {
namespace {

/// An intake at work on the store's connection.
class StoreIntake final : public AggregateIntake {
 public:
  StoreIntake(SqlDatabase& database, KnownTexts& known, const AggregateReport& report,
              const ReportOrigin& from)
      : known_(known), intake_(database, known, report, from) {}
  ~StoreIntake() override {
    // What it has written down may be rolled back with it.
    if (!stored_) known_.clear();
  }

  StoreStatus record(const AggregateRecord& record) override {
    const auto status = intake_.record(record);
    if (!status) return store_error(status.error());
    return Done{};
  }

  StoreResult<Kept> finish() override {
    const auto kept = intake_.finish();
    if (!kept) return store_error(kept.error());
    stored_ = true;
    return *kept;
  }

 private:
  KnownTexts& known_;
  Intake intake_;
  bool stored_ = false;
};

/// 128 bits that nobody guesses.
std::string new_secret() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

}  // namespace

StoreError store_error(const SqlError& error) {
  const bool wrong = error.kind == SqlError::Kind::wrong;
  return {wrong ? StoreError::Kind::refused : StoreError::Kind::later, error.message};
}

StoreStatus SqlStore::connect() {
  const bool sqlite = address_.engine == StoreEngine::sqlite;
  auto opened =
      sqlite ? SqlDatabase::open_sqlite(
                   address_.target, access_ == Access::write ? SqlAccess::write : SqlAccess::read)
             : SqlDatabase::open_postgresql(address_.target);
  if (!opened) return store_error(opened.error());
  if (access_ == Access::write) {
    if (auto made = migrate(**opened, address_.engine, new_secret()); !made)
      return store_error(made.error());
  }
  const auto version = authmilter::schema_version(**opened);
  if (!version) return store_error(version.error());
  if (*version != kSchemaVersion) {
    const auto advice = *version > kSchemaVersion ? "of a newer authmilter"
                        : *version == 0           ? "without reports yet"
                                                  : "of an older authmilter: start the daemon";
    return StoreError{StoreError::Kind::refused,
                      fmt::format("{}: is a store {}", address_.printable(), advice)};
  }
  version_ = *version;
  known_.clear();
  database_ = std::move(*opened);
  return Done{};
}

unsigned SqlStore::schema_version() const { return version_; }

StoreResult<std::string> SqlStore::secret() {
  return with_database([](SqlDatabase& database) { return store_secret(database); });
}

StoreResult<BatchOutcome> SqlStore::add(const BatchId& batch, std::span<const ReportRow> rows) {
  return with_database(
      [&](SqlDatabase& database) { return add_rows(database, known_, batch, rows); });
}

StoreResult<std::vector<ReportSubject>> SqlStore::subjects(ReportDay first, ReportDay last) {
  return with_database([&](SqlDatabase& database) { return find_subjects(database, first, last); });
}

StoreStatus SqlStore::rows(ReportDay day, const DomainName& policy_domain,
                           const std::function<void(const ReportRow&)>& take) {
  return with_database(
      [&](SqlDatabase& database) { return find_rows(database, day, policy_domain, take); });
}

StoreResult<std::vector<SendEntry>> SqlStore::plan(std::span<const SendEntry> entries) {
  return with_database([&](SqlDatabase& database) { return plan_sends(database, entries); });
}

StoreResult<std::vector<SendEntry>> SqlStore::sends(ReportDay first, ReportDay last) {
  return with_database([&](SqlDatabase& database) { return find_sends(database, first, last); });
}

StoreResult<bool> SqlStore::advance(const SendEntry& entry, SendState from, SendState to,
                                    std::int64_t now, std::string_view detail) {
  return with_database(
      [&](SqlDatabase& database) { return advance_send(database, entry, from, to, now, detail); });
}

StoreStatus SqlStore::note_bounce(std::string_view destination, std::int64_t now,
                                  std::string_view detail) {
  return with_database(
      [&](SqlDatabase& database) { return add_bounce(database, destination, now, detail); });
}

StoreStatus SqlStore::forget_bounces(std::string_view destination) {
  return with_database(
      [&](SqlDatabase& database) { return remove_bounces(database, destination); });
}

StoreResult<std::vector<Bounce>> SqlStore::bounces() {
  return with_database([](SqlDatabase& database) { return find_bounces(database); });
}

StoreResult<std::unique_ptr<AggregateIntake>> SqlStore::take(const AggregateReport& report,
                                                             const ReportOrigin& from) {
  const auto there =
      with_database([&](SqlDatabase& database) { return has_report(database, report, from); });
  if (!there) return there.error();
  if (*there) return std::unique_ptr<AggregateIntake>();
  return std::unique_ptr<AggregateIntake>(
      std::make_unique<StoreIntake>(*database_, known_, report, from));
}

StoreResult<Kept> SqlStore::keep(const TlsReport& report, const ReportOrigin& from) {
  return with_database([&](SqlDatabase& database) { return keep_report(database, report, from); });
}

StoreResult<Kept> SqlStore::keep(const FailureReport& report, const ReportOrigin& from) {
  return with_database([&](SqlDatabase& database) { return keep_report(database, report, from); });
}

StoreResult<std::vector<ReceivedReport>> SqlStore::received(ReportDay first, ReportDay last) {
  return with_database([&](SqlDatabase& database) { return find_received(database, first, last); });
}

StoreStatus SqlStore::view(const ViewQuery& query,
                           const std::function<void(const ViewRow&)>& take) {
  return with_database([&](SqlDatabase& database) { return find_view(database, query, take); });
}

StoreStatus SqlStore::view_tls(ReportDay first, ReportDay last,
                               const std::function<void(const TlsViewRow&)>& take) {
  return with_database(
      [&](SqlDatabase& database) { return find_tls_view(database, first, last, take); });
}

StoreResult<bool> SqlStore::take_lease(std::string_view name, std::string_view holder,
                                       std::int64_t now, std::chrono::seconds time) {
  return with_database(
      [&](SqlDatabase& database) { return lease(database, name, holder, now, time); });
}

StoreStatus SqlStore::release_lease(std::string_view name, std::string_view holder) {
  return with_database([&](SqlDatabase& database) { return end_lease(database, name, holder); });
}

StoreResult<Pruned> SqlStore::prune(ReportDay today, ReportDay kept) {
  auto pruned =
      with_database([&](SqlDatabase& database) { return prune_store(database, today, kept); });
  known_.clear();
  return pruned;
}

StoreStatus SqlStore::settle(ReportDay first_open) {
  return with_database(
      [&](SqlDatabase& database) { return pack_days_before(database, first_open); });
}

StoreStatus ReportStore::settle(ReportDay) { return Done{}; }

StoreResult<std::unique_ptr<ReportStore>> ReportStore::open(const StoreAddress& address,
                                                            Access access) {
  auto store = std::make_unique<SqlStore>(address, access);
  if (auto connected = store->connect(); !connected) return connected.error();
  return std::unique_ptr<ReportStore>(std::move(store));
}

}  // namespace authmilter
