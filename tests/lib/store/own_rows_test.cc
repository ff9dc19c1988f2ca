#include <authmilter/report_store.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "lib/store/stores.h"
#include "rows/row_text.h"
#include "store/prune.h"

namespace authmilter {
namespace {

using namespace store_test;

std::vector<std::string> texts_of(ReportStore& store, const std::string& domain) {
  std::vector<std::string> texts;
  CHECK(store.rows(20'000, *DomainName::parse(domain),
                   [&](const ReportRow& found) { texts.push_back(row_text(found)); }));
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace

TEST_CASE("rows come back as they were put in, added up") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    const std::vector<ReportRow> first = {row("example.org", "192.0.2.1", 2),
                                          row("example.org", "2001:db8::1"),
                                          row("example.net", "192.0.2.1")};
    REQUIRE(store->add({"w", 1}, first));
    std::vector<ReportRow> second = {row("example.org", "192.0.2.1", 3)};
    second.push_back(second.front());
    second.back().record.disposition = ReportedDisposition::reject;
    REQUIRE(store->add({"w", 2}, second));
    std::vector<std::string> want = {row_text(row("example.org", "192.0.2.1", 5)),
                                     row_text(second.back()), row_text(first[1])};
    std::sort(want.begin(), want.end());
    CHECK(texts_of(*store, "example.org") == want);
    CHECK(messages_of(*store, "example.net") == 1);
    CHECK(messages_of(*store, "example.net", 20'001) == 0);
    // Somebody else sees the same.
    const auto reader = place.open(ReportStore::Access::read);
    CHECK(texts_of(*reader, "example.org") == want);
  });
}

TEST_CASE("a batch that comes again is not counted again") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    const std::vector<ReportRow> rows = {row("example.org", "192.0.2.1", 7)};
    const struct {
      const char* why;
      BatchId id;
      BatchOutcome outcome;
      std::uint64_t messages;
    } batches[] = {
        {"the first", {"a", 1}, BatchOutcome::counted, 7},
        {"its answer was lost", {"a", 1}, BatchOutcome::counted_before, 7},
        {"another writer's", {"b", 1}, BatchOutcome::counted, 14},
        {"the next", {"a", 2}, BatchOutcome::counted, 21},
        {"late", {"a", 1}, BatchOutcome::counted_before, 21},
        {"numbers may be missing", {"a", 9}, BatchOutcome::counted, 28},
    };
    for (const auto& batch : batches) {
      CAPTURE(batch.why);
      const auto outcome = store->add(batch.id, rows);
      REQUIRE(outcome);
      CHECK(*outcome == batch.outcome);
      CHECK(messages_of(*store, "example.org") == batch.messages);
    }
    // After a start of the database or of the daemon, too.
    const auto again = place.open();
    const auto outcome = again->add({"a", 9}, rows);
    REQUIRE(outcome);
    CHECK(*outcome == BatchOutcome::counted_before);
  });
}

TEST_CASE("subjects are the policy domains that want reports (RFC 9989 section 4.7, rua)") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    ReportRow silent = row("silent.example", "192.0.2.1");
    silent.policy->rua.clear();
    ReportRow none = row("none.example", "192.0.2.1");
    none.policy.reset();
    ReportRow below = row("example.org", "192.0.2.9", 4);
    below.record.header_from = "news.example.org";
    REQUIRE(store->add(
        {"w", 1}, std::vector<ReportRow>{silent, none, below, row("example.org", "192.0.2.1", 2),
                                         row("example.net", "192.0.2.1", 3, 20'001)}));
    const auto subjects = store->subjects(19'999, 20'001);
    REQUIRE(subjects);
    REQUIRE(subjects->size() == 2);
    CHECK((*subjects)[0].policy_domain.text() == "example.org");
    CHECK((*subjects)[0].day == 20'000);
    CHECK((*subjects)[0].messages == 6);
    CHECK((*subjects)[1].policy_domain.text() == "example.net");
    const auto later = store->subjects(20'002, 20'003);
    REQUIRE(later);
    CHECK(later->empty());
  });
}

TEST_CASE("rows of one policy configuration stand together (RFC 9990 section 3.1.1)") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    std::vector<ReportRow> rows;
    for (int i = 0; i < 6; ++i) {
      rows.push_back(row("example.org", "192.0.2." + std::to_string(i)));
      rows.back().policy->published.p =
          i % 2 == 0 ? AssessmentPolicy::none : AssessmentPolicy::reject;
      rows.back().record.header_from = i < 3 ? "a.example.org" : "b.example.org";
    }
    REQUIRE(store->add({"w", 1}, rows));
    std::vector<std::optional<AssessmentPolicy>> order;
    REQUIRE(store->rows(20'000, *DomainName::parse("example.org"), [&](const ReportRow& found) {
      if (order.empty() || order.back() != found.policy->published.p)
        order.push_back(found.policy->published.p);
    }));
    CHECK(order.size() == 2);
  });
}

TEST_CASE("strange texts go in and come out as valid UTF-8") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    ReportRow strange = row("example.org", "192.0.2.1");
    strange.record.dkim_results.front().human_result = "\xff'; DROP TABLE kind; -- \xc3\xa9";
    strange.record.dkim_results.front().human_result += '\0';
    REQUIRE(store->add({"w'\"\\", 1}, std::vector{strange}));
    std::string got;
    REQUIRE(store->rows(20'000, *DomainName::parse("example.org"), [&](const ReportRow& found) {
      got = found.record.dkim_results.front().human_result;
    }));
    CHECK(got.substr(0, 26) == "\xef\xbf\xbd'; DROP TABLE kind; -- ");
    CHECK(got.find("\xc3\xa9") != std::string::npos);
  });
}

TEST_CASE("several writers at a time: everything is counted") {
  on_each_engine([](StorePlace& place) {
    constexpr int kWriters = 3;
    constexpr int kBatches = 20;
    const auto reader = place.open();
    std::vector<std::thread> writers;
    std::array<int, kWriters> failures{};
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        auto store = ReportStore::open(place.address(), ReportStore::Access::write);
        if (!store) {
          failures[static_cast<std::size_t>(w)] = 1000;
          return;
        }
        for (std::uint64_t batch = 1; batch <= kBatches; ++batch) {
          std::vector<ReportRow> rows;
          // The same rows for all, each in an order of its own.
          for (int i = 0; i < 30; ++i)
            rows.push_back(row("d" + std::to_string((i * (w + 7)) % 30) + ".example", "192.0.2.1"));
          while (!(*store)->add({"w" + std::to_string(w), batch}, rows))
            ++failures[static_cast<std::size_t>(w)];
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    for (const int failed : failures) CHECK(failed < 20);
    std::uint64_t sum = 0;
    for (int i = 0; i < 30; ++i) sum += messages_of(*reader, "d" + std::to_string(i) + ".example");
    CHECK(sum == kWriters * kBatches * 30);
  });
}

TEST_CASE("what is old is removed, and nothing else") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    std::vector<ReportRow> rows;
    for (ReportDay day = 20'000; day < 20'010; ++day) {
      rows.push_back(row("example.org", "192.0.2.1", 1, day));
      rows.push_back(row("day" + std::to_string(day) + ".example", "192.0.2.1", 1, day));
    }
    REQUIRE(store->add({"w", 1}, rows));
    REQUIRE(store->prune(20'012, 7));
    CHECK(messages_of(*store, "example.org", 20'004) == 0);
    CHECK(messages_of(*store, "example.org", 20'005) == 1);
    CHECK(messages_of(*store, "day20009.example", 20'009) == 1);
    // Kinds that were known before are written down again.
    REQUIRE(store->add({"w", 2}, std::vector{row("day20001.example", "192.0.2.1", 5, 20'009)}));
    CHECK(messages_of(*store, "day20001.example", 20'009) == 5);
    // Also by somebody who knows them still.
    const auto other = place.open();
    REQUIRE(other->add({"o", 1}, std::vector{row("other.example", "192.0.2.1", 1, 20'009)}));
    REQUIRE(store->prune(20'030, 10));
    REQUIRE(other->add({"o", 2}, std::vector{row("other.example", "192.0.2.1", 2, 20'009)}));
    CHECK(messages_of(*other, "other.example", 20'009) == 2);
  });
}

TEST_CASE("a clock that leaps removes nothing") {
  const struct {
    const char* why;
    std::vector<ReportDay> days;
    ReportDay today;
    bool leaps;
  } rows[] = {
      {"an empty store", {}, 20'000, false},
      {"mail each day", {19'998, 19'999, 20'000}, 20'000, false},
      {"none for a month", {19'969, 19'970}, 20'000, false},
      {"none for longer", {19'968, 19'969}, 20'000, true},
      {"the years that a dead battery gives", {19'999, 20'000}, 28'000, true},
      {"with the mail of that day", {19'999, 20'000, 28'000}, 28'000, true},
      {"and of the next days", {20'000, 28'000, 28'001, 28'006}, 28'006, true},
      {"a week after a long pause", {20'000, 28'000, 28'003, 28'007}, 28'007, false},
      {"little mail, and one of today", {19'900, 19'950, 20'000}, 20'000, true},
      {"little mail, the last a week ago", {19'900, 19'950, 19'993}, 20'000, false},
      {"a clock that was ahead and is right again", {19'999, 20'000, 28'000}, 20'001, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(clock_leaps(row.days, row.today) == row.leaps);
  }
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    REQUIRE(store->add({"w", 1}, std::vector{row("example.org", "192.0.2.1", 1, 20'000)}));
    REQUIRE(store->settle(20'001));
    REQUIRE(store->add({"w", 2}, std::vector{row("example.org", "192.0.2.1", 1, 28'000)}));
    const auto pruned = store->prune(28'000, 90);
    REQUIRE(pruned);
    CHECK(*pruned == Pruned::clock_leaps);
    CHECK(messages_of(*store, "example.org") == 1);
  });
}

TEST_CASE("days that are over are packed, and read as before") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    std::vector<ReportRow> rows;
    for (int i = 0; i < 300; ++i) {
      rows.push_back(
          row("d" + std::to_string(i % 7) + ".example",
              i % 5 == 0 ? "2001:db8::" + std::to_string(i) : "192.0.2." + std::to_string(i % 250),
              static_cast<std::uint64_t>(i % 20 + 1), 20'000 + i % 3));
      if (i % 2 == 0) rows.back().record.disposition = ReportedDisposition::reject;
    }
    REQUIRE(store->add({"w", 1}, rows));
    const auto all = [&] {
      std::vector<std::string> texts;
      for (ReportDay day = 20'000; day < 20'003; ++day) {
        for (int i = 0; i < 7; ++i) {
          CHECK(store->rows(day, *DomainName::parse("d" + std::to_string(i) + ".example"),
                            [&](const ReportRow& found) { texts.push_back(row_text(found)); }));
        }
      }
      ViewQuery query{.rows = ViewQuery::Rows::own,
                      .by = {.day = true, .domain = true, .source = true, .results = true},
                      .first = 20'000,
                      .last = 20'002};
      CHECK(store->view(query, [&](const ViewRow& found) {
        texts.push_back(fmt::format("{} {} {} {} {}", found.day, found.domain, found.source,
                                    found.disposition, found.count));
      }));
      const auto subjects = store->subjects(20'000, 20'002);
      REQUIRE(subjects);
      for (const ReportSubject& subject : *subjects)
        texts.push_back(
            fmt::format("{} {} {}", subject.day, subject.policy_domain.text(), subject.messages));
      std::sort(texts.begin(), texts.end());
      return texts;
    };
    const auto before = all();
    CHECK(before.size() > 300);
    REQUIRE(store->settle(20'002));
    CHECK(all() == before);
    // What comes late is added up with it, packed or not.
    REQUIRE(store->add({"w", 2}, std::vector{row("d1.example", "192.0.2.1", 1000, 20'000)}));
    const std::uint64_t late = messages_of(*store, "d1.example");
    CHECK(all() != before);
    const auto both = all();
    REQUIRE(store->settle(20'003));
    CHECK(all() == both);
    CHECK(messages_of(*store, "d1.example") == late);
    REQUIRE(store->prune(20'011, 10));
    CHECK(messages_of(*store, "d1.example") == 0);
    CHECK(messages_of(*store, "d1.example", 20'001) > 0);
  });
}

}  // namespace authmilter
