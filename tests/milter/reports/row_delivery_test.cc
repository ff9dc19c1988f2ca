#include "reports/row_delivery.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/temporary_folder.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;
using Clock = RowDelivery::Clock;

/// What a store is told, and what it says to that: a word for each call of add(), "counted" where
/// there is none.
struct Script {
  std::vector<std::string> answers;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;  // number of the batch, its messages
  std::vector<std::uint64_t> offered;
  bool closed = false;
};

/// Does nothing but add().
class ScriptedStore final : public ReportStore {
 public:
  explicit ScriptedStore(Script& script) : script_(script) {}

  StoreResult<BatchOutcome> add(const BatchId& batch, std::span<const ReportRow> rows) override {
    script_.offered.push_back(batch.number);
    std::string answer = "counted";
    if (!script_.answers.empty()) {
      answer = script_.answers.front();
      script_.answers.erase(script_.answers.begin());
    }
    if (answer == "later") return StoreError{StoreError::Kind::later, "is locked"};
    if (answer == "refused") return StoreError{StoreError::Kind::refused, "is of a newer version"};
    std::uint64_t messages = 0;
    for (const ReportRow& row : rows) messages += row.record.count;
    const bool before = !script_.taken.empty() && batch.number <= script_.taken.back().first;
    if (!before) script_.taken.emplace_back(batch.number, messages);
    // It has been written down, but nobody is told.
    if (answer == "lost") return StoreError{StoreError::Kind::later, "is gone"};
    return before ? BatchOutcome::counted_before : BatchOutcome::counted;
  }

  unsigned schema_version() const override { return 1; }
  StoreResult<std::string> secret() override { return none(); }
  StoreResult<std::vector<ReportSubject>> subjects(ReportDay, ReportDay) override { return none(); }
  StoreStatus rows(ReportDay, const DomainName&,
                   const std::function<void(const ReportRow&)>&) override {
    return none();
  }
  StoreResult<std::vector<SendEntry>> plan(std::span<const SendEntry>) override { return none(); }
  StoreResult<std::vector<SendEntry>> sends(ReportDay, ReportDay) override { return none(); }
  StoreResult<bool> advance(const SendEntry&, SendState, SendState, std::int64_t,
                            std::string_view) override {
    return none();
  }
  StoreStatus note_bounce(std::string_view, std::int64_t, std::string_view) override {
    return none();
  }
  StoreStatus forget_bounces(std::string_view) override { return none(); }
  StoreResult<std::vector<Bounce>> bounces() override { return none(); }
  StoreResult<std::unique_ptr<AggregateIntake>> take(const AggregateReport&,
                                                     const ReportOrigin&) override {
    return none();
  }
  StoreResult<Kept> keep(const TlsReport&, const ReportOrigin&) override { return none(); }
  StoreResult<Kept> keep(const FailureReport&, const ReportOrigin&) override { return none(); }
  StoreResult<std::vector<ReceivedReport>> received(ReportDay, ReportDay) override {
    return none();
  }
  StoreStatus view(const ViewQuery&, const std::function<void(const ViewRow&)>&) override {
    return none();
  }
  StoreStatus view_tls(ReportDay, ReportDay,
                       const std::function<void(const TlsViewRow&)>&) override {
    return none();
  }
  StoreResult<bool> take_lease(std::string_view, std::string_view, std::int64_t,
                               std::chrono::seconds) override {
    return none();
  }
  StoreStatus release_lease(std::string_view, std::string_view) override { return none(); }
  StoreResult<Pruned> prune(ReportDay, ReportDay) override { return none(); }

 private:
  static StoreError none() { return {StoreError::Kind::refused, "not in the script"}; }
  Script& script_;
};

std::vector<ReportRow> rows(std::uint64_t count) {
  ReportRow row;
  row.record.source_ip = *IpAddress::parse("192.0.2.1");
  row.record.header_from = "example.org";
  row.record.count = count;
  return {row};
}

struct Bench {
  Bench(StoreEngine engine, std::vector<std::string> answers, const std::string& spool = "")
      : script{.answers = std::move(answers), .taken = {}, .offered = {}} {
    configure(engine, spool);
  }

  void configure(StoreEngine engine, const std::string& spool) {
    ReportsConfig config;
    config.store = StoreAddress{engine, engine == StoreEngine::sqlite ? "/x" : "postgresql://x"};
    config.spool = spool;
    delivery.configure(config);
  }

  std::uint64_t fate(ReportFate of) const {
    return metrics.report_messages[static_cast<std::size_t>(of)];
  }

  Script script;
  Metrics metrics;
  Logger logger{LogConfig{LogTarget::stderr_stream, LogFormat::text, LogLevel::error}};
  RowDelivery delivery{
      logger, metrics, 0, 2,
      [this](const StoreAddress&) -> StoreResult<std::unique_ptr<ReportStore>> {
        if (script.closed) return StoreError{StoreError::Kind::later, "is gone"};
        return std::unique_ptr<ReportStore>(std::make_unique<ScriptedStore>(script));
      }};
  Clock::time_point now = Clock::now();
};

using Taken = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

}  // namespace

TEST_CASE("a batch that the store cannot take waits, and the next is behind it") {
  Bench bench(StoreEngine::sqlite, {"later", "later"});
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  CHECK(bench.delivery.waits());
  CHECK(bench.metrics.process(0).report_store_failed == 1);
  bench.delivery.add(rows(4));
  bench.delivery.go_on(bench.now);  // not at once
  CHECK(bench.script.offered.size() == 1);
  bench.delivery.go_on(bench.now + 2s);
  CHECK(bench.script.offered.size() == 2);
  bench.delivery.go_on(bench.now + 10s);
  CHECK_FALSE(bench.delivery.waits());
  CHECK(bench.script.taken == Taken{{1, 3}, {2, 4}});
  CHECK(bench.fate(ReportFate::stored) == 7);
  CHECK(bench.metrics.process(0).report_store_failed == 0);
}

TEST_CASE("a batch whose answer was lost comes again with its number") {
  Bench bench(StoreEngine::sqlite, {"lost"});
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  CHECK(bench.delivery.waits());
  bench.delivery.go_on(bench.now + 2s);
  CHECK_FALSE(bench.delivery.waits());
  CHECK(bench.script.offered == std::vector<std::uint64_t>{1, 1});
  CHECK(bench.script.taken == Taken{{1, 3}});
}

TEST_CASE("what is refused is dropped, and does not stand in the way") {
  Bench bench(StoreEngine::sqlite, {"refused"});
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  CHECK_FALSE(bench.delivery.waits());
  CHECK(bench.fate(ReportFate::dropped) == 3);
  bench.delivery.add(rows(2));
  bench.delivery.go_on(bench.now + 90s);
  CHECK(bench.script.taken == Taken{{2, 2}});
}

TEST_CASE("what waits goes to the spool, and from there in its order") {
  const TemporaryFolder folder;
  Bench bench(StoreEngine::postgresql, {"lost"}, folder.path() / "spool");
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  CHECK_FALSE(bench.delivery.waits());
  CHECK(bench.fate(ReportFate::spooled) == 3);
  CHECK(bench.metrics.process(0).report_spooled == 3);
  // The store would take it, but that is behind the other.
  bench.delivery.add(rows(4));
  bench.delivery.go_on(bench.now);
  CHECK(bench.metrics.process(0).report_spooled == 7);
  bench.delivery.go_on(bench.now + 2s);
  CHECK(bench.script.taken == Taken{{1, 3}, {2, 4}});
  CHECK(bench.metrics.process(0).report_spooled == 0);
  bench.delivery.add(rows(5));
  bench.delivery.go_on(bench.now + 3s);
  CHECK(bench.script.taken == Taken{{1, 3}, {2, 4}, {3, 5}});
  CHECK(bench.fate(ReportFate::spooled) == 7);
}

TEST_CASE("the spool of a socket that is gone is emptied by the first process") {
  const TemporaryFolder folder;
  const std::string place = folder.path() / "spool";
  for (const char* name : {"rows-1.db", "rows-2.db"}) {
    const auto spool = RowSpool::open(place, name);
    REQUIRE(spool);
    REQUIRE((*spool)->put({name, 1}, rows(3)));
    REQUIRE((*spool)->put({name, 2}, rows(4)));
  }
  // Of two processes, so that the second is there and has its own.
  Bench bench(StoreEngine::postgresql, {"later"}, place);
  bench.delivery.go_on(bench.now);
  CHECK(bench.script.taken.empty());
  bench.delivery.go_on(bench.now + 2s);
  CHECK(bench.script.taken == Taken{{1, 3}, {2, 4}});
  CHECK_FALSE(std::filesystem::exists(place + "/rows-2.db"));
  CHECK(std::filesystem::exists(place + "/rows-1.db"));
  bench.delivery.add(rows(5));
  bench.delivery.go_on(bench.now + 3s);
  CHECK(bench.fate(ReportFate::stored) == 12);
}

TEST_CASE("without a spool that can be used it waits in memory") {
  const TemporaryFolder folder;
  folder.write("file", "");
  Bench bench(StoreEngine::postgresql, {"later"}, folder.path() / "file");
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  CHECK(bench.delivery.waits());
  bench.delivery.go_on(bench.now + 2s);
  CHECK(bench.script.taken == Taken{{1, 3}});
}

TEST_CASE("SQLite needs no spool: it would be on the same disk") {
  const TemporaryFolder folder;
  Bench bench(StoreEngine::sqlite, {"later"}, folder.path() / "spool");
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  CHECK(bench.delivery.waits());
  CHECK_FALSE(std::filesystem::exists(folder.path() / "spool"));
}

TEST_CASE("what is given up is counted") {
  Bench bench(StoreEngine::sqlite, {"later"});
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  bench.delivery.drop();
  CHECK_FALSE(bench.delivery.waits());
  CHECK(bench.fate(ReportFate::dropped) == 3);
}

TEST_CASE("a store that cannot be opened") {
  Bench bench(StoreEngine::sqlite, {});
  bench.script.closed = true;
  bench.delivery.add(rows(3));
  bench.delivery.go_on(bench.now);
  CHECK(bench.delivery.waits());
  bench.script.closed = false;
  bench.delivery.go_on(bench.now + 2s);
  CHECK(bench.script.taken == Taken{{1, 3}});
}

}  // namespace authmilter
