#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include <authmilter/report_store.h>

#include "support/postgresql.h"
#include "support/temporary_folder.h"

namespace authmilter::store_test {

/// A place for a store, new for each test and gone with it.
class StorePlace {
 public:
  virtual ~StorePlace() = default;
  virtual StoreAddress address() const = 0;
  std::unique_ptr<ReportStore> open(ReportStore::Access access = ReportStore::Access::write) const {
    auto store = ReportStore::open(address(), access);
    if (!store) FAIL(store.error().message);
    return std::move(*store);
  }
};

class SqlitePlace final : public StorePlace {
 public:
  StoreAddress address() const override {
    return {StoreEngine::sqlite, folder_.path() / "reports.db"};
  }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

class PostgresqlPlace final : public StorePlace {
 public:
  /// A database of its own in a server that all tests share.
  explicit PostgresqlPlace(PostgresqlServer& server) {
    static int databases = 0;
    const std::string name = "test" + std::to_string(++databases);
    REQUIRE(server.make_database(name));
    uri_ = server.uri(name);
  }
  StoreAddress address() const override { return {StoreEngine::postgresql, uri_}; }

 private:
  std::string uri_;
};

/// Null, and said, where there is no PostgreSQL.
inline std::unique_ptr<PostgresqlPlace> postgresql_place() {
  static std::string why;
  static const std::unique_ptr<PostgresqlServer> server = PostgresqlServer::start(why);
  if (!server) {
    MESSAGE("skipped: " << why);
    return nullptr;
  }
  return std::make_unique<PostgresqlPlace>(*server);
}

/// One of each engine that this machine has.
enum class Engine { sqlite, postgresql };
inline std::unique_ptr<StorePlace> place_of(Engine engine) {
  if (engine == Engine::sqlite) return std::make_unique<SqlitePlace>();
  return postgresql_place();
}

/// Fine for both engines, or it is not a seam.
template <class Test>
void on_each_engine(Test test) {
  for (const Engine engine : {Engine::sqlite, Engine::postgresql}) {
    CAPTURE(static_cast<int>(engine));
    const auto place = place_of(engine);
    if (place) test(*place);
  }
}

inline ReportRow row(const std::string& from, const std::string& source, std::uint64_t count = 1,
                     ReportDay day = 20'000) {
  ReportRow made{.day = day};
  made.policy = PolicyInForce{.published = {.domain = *DomainName::parse(from)}};
  made.policy->published.p = made.policy->published.sp = made.policy->published.np =
      AssessmentPolicy::reject;
  made.policy->published.adkim = made.policy->published.aspf = AlignmentMode::relaxed;
  made.policy->published.discovery_method = DiscoveryMethod::treewalk;
  made.policy->published.fo = "0";
  made.policy->published.testing = false;
  made.policy->rua = {"mailto:dmarc@" + from};
  made.record.source_ip = *IpAddress::parse(source);
  made.record.count = count;
  made.record.header_from = from;
  made.record.envelope_from = from;
  made.record.disposition = ReportedDisposition::pass;
  made.record.dkim = made.record.spf = AlignedResult::pass;
  made.record.dkim_results = {{from, "s1", ReportedResult::pass, ""}};
  made.record.spf_results = {{from, SpfScope::mfrom, ReportedResult::pass, ""}};
  made.rule = Rule::dmarc_pass;
  return made;
}

/// All messages of a day and policy domain.
inline std::uint64_t messages_of(ReportStore& store, const std::string& domain,
                                 ReportDay day = 20'000) {
  std::uint64_t sum = 0;
  const auto asked = store.rows(day, *DomainName::parse(domain),
                                [&](const ReportRow& found) { sum += found.record.count; });
  CHECK(asked);
  return sum;
}

}  // namespace authmilter::store_test
