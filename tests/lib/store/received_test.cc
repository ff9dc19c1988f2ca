#include <authmilter/report_store.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "lib/store/stores.h"
#include "sql/sql.h"

namespace authmilter {
namespace {

using namespace store_test;

constexpr std::int64_t kBegin = 20'000 * kDaySeconds;

AggregateReport report(const std::string& id, const std::string& domain = "example.org",
                       const std::string& organization = "reporter.example") {
  AggregateReport made{.form = ReportForm::rfc9990,
                       .version = "1.0",
                       .metadata = {},
                       .policy_published = {.domain = *DomainName::parse(domain)}};
  made.metadata.org_name = organization;
  made.metadata.report_id = id;
  made.metadata.begin = kBegin;
  made.metadata.end = kBegin + kDaySeconds - 1;
  return made;
}

AggregateRecord record(const std::string& source, std::uint64_t count,
                       const std::string& from = "example.org") {
  AggregateRecord made = row(from, source, count).record;
  return made;
}

/// What became of it, or "later".
std::string put(ReportStore& store, const AggregateReport& made,
                const std::vector<AggregateRecord>& records, const ReportOrigin& from = {}) {
  auto intake = store.take(made, from);
  if (!intake) return intake.error().message;
  if (!*intake) return "duplicate";
  for (const AggregateRecord& each : records) {
    if (auto done = (*intake)->record(each); !done) return done.error().message;
  }
  const auto kept = (*intake)->finish();
  if (!kept) return kept.error().message;
  return *kept == Kept::stored ? "stored" : "duplicate";
}

std::uint64_t messages(ReportStore& store, const ViewQuery& query) {
  std::uint64_t sum = 0;
  CHECK(store.view(query, [&](const ViewRow& found) { sum += found.count; }));
  return sum;
}

ViewQuery received(ReportDay first = 0, ReportDay last = 100'000) {
  return {.rows = ViewQuery::Rows::received, .by = {}, .first = first, .last = last};
}

}  // namespace

TEST_CASE("a received report counts once, by organization, Report-ID and policy domain") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    const std::vector<AggregateRecord> records = {record("192.0.2.1", 3), record("192.0.2.1", 4),
                                                  record("2001:db8::1", 1)};
    const struct {
      const char* why;
      AggregateReport report;
      const char* outcome;
      std::uint64_t messages;
    } reports[] = {
        {"new", report("1"), "stored", 8},
        {"again", report("1"), "duplicate", 8},
        {"another domain: a writer whose report_id is a row number", report("1", "example.net"),
         "stored", 16},
        {"another organization", report("1", "example.org", "other.example"), "stored", 24},
        {"another Report-ID", report("2"), "stored", 32},
    };
    for (const auto& each : reports) {
      CAPTURE(each.why);
      CHECK(put(*store, each.report, records) == each.outcome);
      CHECK(messages(*store, received()) == each.messages);
    }
    const auto list = store->received(20'000, 20'000);
    REQUIRE(list);
    REQUIRE(list->size() == 4);
    CHECK(list->front().records == 3);
    CHECK(list->front().messages == 8);
    CHECK(list->front().kind == ReportKind::aggregate);
    CHECK(list->front().begin == kBegin);
  });
}

TEST_CASE("who sends a report in somebody's name first does not keep his out (RFC 9990 3.5.2)") {
  const ReportOrigin forged{.received = 1, .submitter = "evil.example", .doubtful = true};
  const ReportOrigin failed{
      .received = 1, .submitter = "reporter.example", .dmarc = "fail", .doubtful = true};
  const ReportOrigin unvouched{.received = 2, .submitter = "reporter.example"};
  const ReportOrigin genuine{.received = 3, .submitter = "reporter.example", .dmarc = "pass"};
  const ReportOrigin by_hand{.received = 4};
  const struct {
    const char* why;
    ReportOrigin first, second;
    const char* outcome;
  } rows[] = {
      {"the genuine one takes its place", forged, genuine, "stored"},
      {"also that of one that failed DMARC", failed, genuine, "stored"},
      {"and that of one whose DMARC result nobody of ours has said", unvouched, genuine, "stored"},
      {"the administrator's own file does", failed, by_hand, "stored"},
      {"which nobody has vouched for is more than one that failed", failed, unvouched, "stored"},
      {"but never the other way", genuine, forged, "duplicate"},
      {"nor that", genuine, unvouched, "duplicate"},
      {"nor that", unvouched, failed, "duplicate"},
      {"nor that", by_hand, forged, "duplicate"},
      {"one of two that nobody believes is enough", forged, failed, "duplicate"},
      {"and of two that are right", genuine, by_hand, "duplicate"},
      {"and of these", genuine, genuine, "duplicate"},
  };
  on_each_engine([&](StorePlace& place) {
    const auto store = place.open();
    int id = 0;
    std::uint64_t before = 0;
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const std::string name = std::to_string(++id);
      CHECK(put(*store, report(name), {record("192.0.2.1", 1)}, row.first) == "stored");
      CHECK(put(*store, report(name), {record("192.0.2.1", 100), record("192.0.2.2", 100)},
                row.second) == row.outcome);
      // One of them counts, and nothing of the other.
      before += row.outcome == std::string("stored") ? 200 : 1;
      CHECK(messages(*store, received()) == before);
      const auto list = store->received(20'000, 20'000);
      REQUIRE(list);
      REQUIRE(list->size() == static_cast<std::size_t>(id));
    }
  });
}

TEST_CASE("the same of TLS and failure reports, and of two that are read at a time") {
  const ReportOrigin forged{.received = kBegin, .submitter = "r.example", .doubtful = true};
  const ReportOrigin genuine{.received = kBegin, .submitter = "r.example", .dmarc = "pass"};
  on_each_engine([&](StorePlace& place) {
    const auto store = place.open();
    TlsReport tls{.organization_name = "r.example",
                  .contact_info = "",
                  .report_id = "t1",
                  .begin = kBegin,
                  .end = kBegin + 1,
                  .policies = {}};
    FailureReport failure;
    failure.arrival_date = kBegin;
    for (const auto& [from, want] :
         {std::pair(forged, Kept::stored), std::pair(genuine, Kept::stored),
          std::pair(forged, Kept::duplicate), std::pair(genuine, Kept::duplicate)}) {
      for (const auto& kept : {store->keep(tls, from), store->keep(failure, from)}) {
        REQUIRE(kept);
        CHECK(*kept == want);
      }
    }
    const auto other = place.open();
    REQUIRE(put(*store, report("1"), {record("192.0.2.1", 1)}, forged) == "stored");
    auto first = store->take(report("1"), genuine);
    auto second = other->take(report("1"), genuine);
    REQUIRE(first);
    REQUIRE(second);
    REQUIRE(*second);
    REQUIRE((*first)->record(record("192.0.2.1", 10)));
    REQUIRE((*second)->record(record("192.0.2.1", 10)));
    CHECK(*(*first)->finish() == Kept::stored);
    CHECK(*(*second)->finish() == Kept::duplicate);
    CHECK(messages(*store, received()) == 10);
  });
}

TEST_CASE("names that begin alike are not the same, however long they are") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    const std::string name(300, 'n');
    const std::vector<AggregateRecord> records = {record("192.0.2.1", 1)};
    CHECK(put(*store, report(name + "1"), records) == "stored");
    CHECK(put(*store, report(name + "2"), records) == "stored");
    CHECK(put(*store, report(name + "2"), records) == "duplicate");
    CHECK(put(*store, report("1", "example.org", name + "1"), records) == "stored");
    CHECK(put(*store, report("1", "example.org", name + "2"), records) == "stored");
    const auto list = store->received(20'000, 20'000);
    REQUIRE(list);
    for (const ReceivedReport& each : *list) CHECK(each.report_id.size() <= 255);
  });
}

TEST_CASE("nothing of a report is there before its end, however long it is") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    {
      auto intake = store->take(report("1"), {});
      REQUIRE(intake);
      for (int i = 0; i < 12'000; ++i)
        REQUIRE((*intake)->record(record("192.0.2." + std::to_string(i % 250), 1)));
      // Whoever read it has come upon an error.
    }
    CHECK(messages(*store, received()) == 0);
    std::vector<AggregateRecord> many;
    for (int i = 0; i < 12'000; ++i)
      many.push_back(record("192.0.2." + std::to_string(i % 250), 1,
                            "d" + std::to_string(i % 40) + ".example.org"));
    CHECK(put(*store, report("1"), many) == "stored");
    CHECK(messages(*store, received()) == 12'000);
  });
}

TEST_CASE("two that read the same report at a time: it counts once") {
  on_each_engine([](StorePlace& place) {
    const auto one = place.open();
    const auto two = place.open();
    auto first = one->take(report("1"), {});
    auto second = two->take(report("1"), {});
    REQUIRE(first);
    REQUIRE(second);
    REQUIRE(*second);
    REQUIRE((*first)->record(record("192.0.2.1", 1)));
    REQUIRE((*second)->record(record("192.0.2.1", 1)));
    const auto kept = (*first)->finish();
    REQUIRE(kept);
    CHECK(*kept == Kept::stored);
    const auto again = (*second)->finish();
    REQUIRE(again);
    CHECK(*again == Kept::duplicate);
    CHECK(messages(*one, received()) == 1);
  });
}

TEST_CASE("a stranger's numbers and texts") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    AggregateRecord strange = record("192.0.2.1", ~std::uint64_t{0});
    strange.header_from = "a;b %\t=?\xff";
    strange.dkim_results.assign(500, {"d;d", "s s", ReportedResult::permerror, "<b>&"});
    CHECK(put(*store, report("x\xff", "example.org", std::string(5000, 'o')), {strange, strange}) ==
          "stored");
    ViewQuery query = received();
    query.by.identifiers = true;
    std::vector<ViewRow> rows;
    REQUIRE(store->view(query, [&](const ViewRow& found) { rows.push_back(found); }));
    REQUIRE(rows.size() == 1);
    CHECK(rows.front().header_from == "a;b %\t=?\xef\xbf\xbd");
    CHECK(rows.front().dkim.size() == kReportDkim);
    CHECK(rows.front().dkim.front().domain == "d;d");
    CHECK(rows.front().count == 2'000'000'000'000);
  });
}

TEST_CASE("views tell apart what is asked for") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    put(*store, report("1"), {record("192.0.2.1", 1), record("192.0.2.2", 2)});
    put(*store, report("2", "example.net"), {record("192.0.2.1", 4, "example.net")});
    AggregateReport later = report("3");
    later.metadata.begin += kDaySeconds;
    later.metadata.end += kDaySeconds;
    AggregateRecord rejected = record("192.0.2.1", 8);
    rejected.disposition = ReportedDisposition::reject;
    rejected.dkim = rejected.spf = AlignedResult::fail;
    rejected.reasons = {{PolicyOverrideType::forwarded, ""}};
    put(*store, later, {rejected});
    const auto shape = [&](ViewQuery query) {
      std::map<std::string, std::uint64_t> rows;
      CHECK(store->view(query, [&](const ViewRow& found) {
        rows[std::to_string(found.day) + '|' + found.domain + '|' + found.source + '|' +
             found.header_from + '|' + found.disposition + '|' + found.reasons] += found.count;
      }));
      return rows;
    };
    using Rows = std::map<std::string, std::uint64_t>;
    ViewQuery query = received();
    CHECK(shape(query) == Rows{{"0|||||", 15}});
    query.by.day = true;
    CHECK(shape(query) == Rows{{"20000|||||", 7}, {"20001|||||", 8}});
    query.by = {.domain = true};
    CHECK(shape(query) == Rows{{"0|example.org||||", 11}, {"0|example.net||||", 4}});
    query.domain = "example.org";
    query.by = {.source = true};
    CHECK(shape(query) == Rows{{"0||192.0.2.1|||", 9}, {"0||192.0.2.2|||", 2}});
    query.by = {.results = true};
    CHECK(shape(query) == Rows{{"0||||pass|", 3}, {"0||||reject|forwarded", 8}});
    query.by = {.identifiers = true};
    query.first = 20'001;
    CHECK(shape(query) == Rows{{"0|||example.org||", 8}});
  });
}

TEST_CASE("the same views of what came in here") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    ReportRow watched = row("example.org", "192.0.2.7", 5, 20'001);
    watched.record.disposition = ReportedDisposition::none;
    watched.rule = Rule::dmarc_reject;
    watched.decided = Disposition::reject;
    watched.monitored = true;
    ReportRow without = row("example.com", "192.0.2.8", 3);
    without.policy.reset();
    REQUIRE(
        store->add({"w", 1}, std::vector{row("example.org", "192.0.2.1", 2), watched, without}));
    ViewQuery query{.rows = ViewQuery::Rows::own,
                    .by = {.domain = true, .results = true},
                    .first = 20'000,
                    .last = 20'001};
    std::map<std::string, std::uint64_t> rows;
    const auto ask = [&] {
      rows.clear();
      CHECK(store->view(query, [&](const ViewRow& found) {
        rows[found.domain + '|' + found.disposition + '|' + found.rule + '|' + found.decided +
             (found.monitored ? "|monitored" : "")] += found.count;
      }));
    };
    using Rows = std::map<std::string, std::uint64_t>;
    ask();
    CHECK(rows == Rows{{"example.org|pass|dmarc.pass|accept", 2},
                       {"example.org|none|dmarc.reject|reject|monitored", 5},
                       {"|pass|dmarc.pass|accept", 3}});
    query.domain = "example.org";
    query.last = 20'000;
    ask();
    CHECK(rows == Rows{{"example.org|pass|dmarc.pass|accept", 2}});
    CHECK(messages(*store, received()) == 0);
  });
}

TEST_CASE("TLS reports (RFC 8460 section 4.4)") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    TlsReport tls{.organization_name = "reporter.example",
                  .contact_info = "",
                  .report_id = "t1",
                  .begin = kBegin,
                  .end = kBegin + kDaySeconds - 1,
                  .policies = {}};
    TlsPolicyReport policy;
    policy.type = TlsPolicyType::sts;
    policy.policy_domain = "example.org";
    policy.successful_sessions = 100;
    policy.failed_sessions = 10;
    policy.failures.push_back({.result_type = "certificate-expired",
                               .sending_mta_ip = "192.0.2.9",
                               .receiving_mx_hostname = "mx.example.org",
                               .receiving_mx_helo = "",
                               .receiving_ip = "",
                               .failed_sessions = 7,
                               .additional_information = "",
                               .failure_reason_code = "X509"});
    tls.policies = {policy};
    auto kept = store->keep(tls, {});
    REQUIRE(kept);
    CHECK(*kept == Kept::stored);
    kept = store->keep(tls, {});
    REQUIRE(kept);
    CHECK(*kept == Kept::duplicate);
    std::map<std::string, std::uint64_t> rows;
    REQUIRE(store->view_tls(20'000, 20'000, [&](const TlsViewRow& found) {
      rows[found.result_type + '|' + found.receiving_mx + '|' + found.detail] += found.sessions;
    }));
    CHECK(rows ==
          std::map<std::string, std::uint64_t>{
              {"||", 100}, {"certificate-expired|mx.example.org|X509", 7}, {"unspecified||", 3}});
  });
}

TEST_CASE("of a failed message nothing private is kept") {
  on_each_engine([](StorePlace& place) {
    FailureReport failure;
    failure.arrival_date = kBegin;
    failure.original_from = "Jane Doe <jane.doe@example.org>";
    failure.original_subject = "about jane.doe's pay";
    failure.original_mail_from = "jane.doe@example.org";
    failure.original_rcpt_to = "joe@example.net";
    failure.original_header = "From: jane.doe@example.org\nSubject: pay\n";
    failure.original_message_id = "<jane.doe@example.org>";
    failure.authentication_results =
        "mx.example.net; spf=fail smtp.mailfrom=jane.doe@example.org; dkim=fail header.i=@x.org";
    failure.dkim_domain = "example.org";
    failure.dkim_identity = "jane.doe@example.org";
    failure.dkim_selector = "s1";
    REQUIRE(place.open()->keep(failure, {.received = kBegin, .submitter = "r.example"}));
    const StoreAddress address = place.address();
    auto database = address.engine == StoreEngine::sqlite
                        ? SqlDatabase::open_sqlite(address.target, SqlAccess::write)
                        : SqlDatabase::open_postgresql(address.target);
    REQUIRE(database);
    std::string kept;
    REQUIRE((*database)->query(
        "SELECT author, subject, results, dkim, spf, organization, report_id, published FROM "
        "failure_row JOIN received_report ON received_report.id = report",
        {}, [&](const SqlRow& row) {
          for (int column = 0; column < 8; ++column) kept += row.text(column) + '|';
        }));
    CHECK(
        kept.starts_with("example.org||mx.example.net; spf=fail smtp.mailfrom=@example.org; "
                         "dkim=fail header.i=@x.org|example.org s1||r.example|"));
    for (const char* word : {"Jane", "jane", "joe", "pay"})
      CHECK(kept.find(word) == std::string::npos);
  });
}

TEST_CASE("failure reports of one message count once (RFC 9991)") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    FailureReport failure;
    failure.auth_failure = AuthFailure::dmarc;
    failure.reported_domain = DomainName::parse("example.org");
    failure.source_ip = IpAddress::parse("192.0.2.66");
    failure.arrival_date = kBegin + 5;
    failure.original_message_id = "<1@example.org>";
    const ReportOrigin from{
        .received = kBegin + 9, .submitter = "reporter.example", .dmarc = "pass"};
    for (const Kept want : {Kept::stored, Kept::duplicate}) {
      const auto kept = store->keep(failure, from);
      REQUIRE(kept);
      CHECK(*kept == want);
    }
    failure.original_message_id = "<2@example.org>";
    const auto kept = store->keep(failure, from);
    REQUIRE(kept);
    CHECK(*kept == Kept::stored);
    const auto list = store->received(20'000, 20'000);
    REQUIRE(list);
    REQUIRE(list->size() == 2);
    CHECK(list->front().organization == "reporter.example");
    CHECK(list->front().domain == "example.org");
    CHECK(list->front().from.dmarc == "pass");
    REQUIRE(store->prune(20'011, 10));
    const auto none = store->received(0, 100'000);
    REQUIRE(none);
    CHECK(none->empty());
  });
}

}  // namespace authmilter
