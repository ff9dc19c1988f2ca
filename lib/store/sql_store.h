#pragma once

#include <memory>
#include <string>
#include <utility>

#include <authmilter/report_store.h>

#include "sql/sql.h"
#include "store/known_texts.h"

namespace authmilter {

StoreError store_error(const SqlError& error);

/// The store over SQL. What it does is in own_rows.h, send_log.h, received.h and views.h, each a
/// set of functions over a database; here is what makes a connection anew and runs them.
class SqlStore final : public ReportStore {
 public:
  SqlStore(StoreAddress address, Access access) : address_(std::move(address)), access_(access) {}

  /// Connects, and brings the schema up to date.
  StoreStatus connect();

  unsigned schema_version() const override;
  StoreResult<std::string> secret() override;
  StoreResult<BatchOutcome> add(const BatchId& batch, std::span<const ReportRow> rows) override;
  StoreResult<std::vector<ReportSubject>> subjects(ReportDay first, ReportDay last) override;
  StoreStatus rows(ReportDay day, const DomainName& policy_domain,
                   const std::function<void(const ReportRow&)>& take) override;
  StoreResult<std::vector<SendEntry>> plan(std::span<const SendEntry> entries) override;
  StoreResult<std::vector<SendEntry>> sends(ReportDay first, ReportDay last) override;
  StoreResult<bool> advance(const SendEntry& entry, SendState from, SendState to, std::int64_t now,
                            std::string_view detail) override;
  StoreStatus note_bounce(std::string_view destination, std::int64_t now,
                          std::string_view detail) override;
  StoreStatus forget_bounces(std::string_view destination) override;
  StoreResult<std::vector<Bounce>> bounces() override;
  StoreResult<std::unique_ptr<AggregateIntake>> take(const AggregateReport& report,
                                                     const ReportOrigin& from) override;
  StoreResult<Kept> keep(const TlsReport& report, const ReportOrigin& from) override;
  StoreResult<Kept> keep(const FailureReport& report, const ReportOrigin& from) override;
  StoreResult<std::vector<ReceivedReport>> received(ReportDay first, ReportDay last) override;
  StoreStatus view(const ViewQuery& query,
                   const std::function<void(const ViewRow&)>& take) override;
  StoreStatus view_tls(ReportDay first, ReportDay last,
                       const std::function<void(const TlsViewRow&)>& take) override;
  StoreResult<bool> take_lease(std::string_view name, std::string_view holder, std::int64_t now,
                               std::chrono::seconds time) override;
  StoreStatus release_lease(std::string_view name, std::string_view holder) override;
  StoreResult<Pruned> prune(ReportDay today, ReportDay kept) override;
  StoreStatus settle(ReportDay first_open) override;

  /// Runs `use` on the database, connected; a connection that turns out to be gone is dropped, and
  /// the next call makes one. What two writers have spoilt for each other is done again.
  template <class Use>
  auto with_database(Use use)
      -> StoreResult<std::decay_t<decltype(*use(std::declval<SqlDatabase&>()))>>;

  KnownTexts& known() { return known_; }

 private:
  const StoreAddress address_;
  const Access access_;
  std::unique_ptr<SqlDatabase> database_;
  unsigned version_ = 0;
  KnownTexts known_;
};

template <class Use>
auto SqlStore::with_database(Use use)
    -> StoreResult<std::decay_t<decltype(*use(std::declval<SqlDatabase&>()))>> {
  // Deadlocks are broken by the server, and the other one gets through.
  constexpr int kTries = 5;
  for (int tries = 1;; ++tries) {
    if (!database_) {
      if (auto connected = connect(); !connected) return connected.error();
    }
    auto result = use(*database_);
    if (result) return std::move(*result);
    known_.clear();
    if (result.error().kind == SqlError::Kind::gone) database_.reset();
    if (result.error().kind != SqlError::Kind::cancelled || tries == kTries)
      return store_error(result.error());
  }
}

}  // namespace authmilter
