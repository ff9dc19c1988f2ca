#include <authmilter/report_anomalies.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/report_views/rows.h"

using namespace authmilter;
using namespace authmilter::test_rows;

namespace {

constexpr AnomalyPeriods kPeriods{kDay - 29, kDay - 2, kDay};

/// A row of each day of the usual period, and one of each that is looked at.
struct Course {
  std::vector<ViewRow> usual, recent;
};

std::vector<std::string> found(const std::vector<Course>& courses, int usual_days = 27,
                               const SelectorStates& selectors = {}) {
  ReportView view(kPeriods.first, kPeriods.last);
  for (const Course& course : courses) {
    for (int ago = 0; ago < 3 + usual_days; ++ago) {
      for (ViewRow row : ago < 3 ? course.recent : course.usual) {
        row.day = kDay - ago;
        view.add(row);
      }
    }
  }
  view.settle({});
  std::vector<std::string> texts;
  for (const Anomaly& anomaly : find_anomalies(view, kPeriods, selectors)) {
    CHECK(!anomaly.text.empty());
    CHECK(anomaly.messages > 0);
    texts.push_back(std::string(to_string(anomaly.kind)) + " " + anomaly.domain + " " +
                    anomaly.subject);
  }
  return texts;
}

}  // namespace

TEST_CASE("what is told of as an anomaly") {
  ViewRow unsigned_one = forged("192.0.2.1", kDay, 100);
  const ViewRow usual = good(kDay, 100);
  const Course as_always{{usual}, {usual}};
  using Texts = std::vector<std::string>;
  const struct {
    const char* why;
    std::vector<Course> courses;
    int usual_days;
    Texts texts;
  } rows[] = {
      {"all is as usual", {as_always}, 27, {}},
      {"a service is new",
       {as_always, {{}, {service("esp.example", kDay, 10)}}},
       27,
       {"new-source example.org esp.example"}},
      {"a few messages are not", {as_always, {{}, {service("esp.example", kDay, 6)}}}, 27, {}},
      {"forgers are new each day", {as_always, {{}, {forged("203.0.113.5", kDay, 60)}}}, 27, {}},
      {"many forgeries",
       {as_always, {{}, {forged("203.0.113.5", kDay, 90)}}},
       27,
       {"new-source example.org 203.0.113.0/24"}},
      {"in the first week all is new",
       {as_always, {{}, {service("esp.example", kDay, 10)}}},
       6,
       {}},
      {"signatures and SPF are gone",
       {{{usual}, {unsigned_one}}},
       27,
       {"failing-source example.org example.org"}},
      {"it has always failed",
       {as_always, {{forged("203.0.113.5", kDay, 90)}, {forged("203.0.113.5", kDay, 90)}}},
       27,
       {}},
      {"several times as much",
       {{{usual}, {good(kDay, 600)}}},
       27,
       {"volume example.org example.org"}},
      {"twice as much", {{{usual}, {good(kDay, 200)}}}, 27, {}},
      {"little is several times less", {{{good(kDay, 10)}, {good(kDay, 60)}}}, 27, {}},
      {"a service is silent", {as_always, {{service("esp.example", kDay, 10)}, {}}}, 27, {}},
      {"a host of ours is silent",
       {{{usual}, {service("esp.example", kDay, 1)}}, {{service("esp.example", kDay, 1)}, {}}},
       27,
       {"silent-source example.org example.org"}},
      {"no reports come any more", {{{usual}, {}}}, 27, {"silent-source example.org all sources"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(found(row.courses, row.usual_days) == row.texts);
  }
}

TEST_CASE("a selector that is no longer published") {
  const ViewRow usual = good(kDay, 100);
  const Course course{{usual}, {usual}};
  using State = SelectorState;
  CHECK(found({course}, 27, {{{"example.org", "s1"}, State::missing}}) ==
        std::vector<std::string>{"unpublished-selector example.org s1._domainkey.example.org"});
  CHECK(found({course}, 0, {{{"example.org", "s1"}, State::missing}}).size() == 1);
  for (const auto state : {State::published, State::unknown})
    CHECK(found({course}, 27, {{{"example.org", "s1"}, state}}).empty());
  // One that nobody uses.
  CHECK(found({course}, 27, {{{"example.org", "s2"}, State::missing}}).empty());
}

TEST_CASE("the selectors in use") {
  ReportView view(kPeriods.first, kPeriods.last);
  ViewRow old = good(kDay - 9, 1000);
  old.dkim = {{"example.org", "old", "pass"}};
  ViewRow other = good(kDay, 50);
  other.dkim = {{"example.org", "s2", "fail"}};
  for (const ViewRow& row : {old, good(kDay, 10), other}) view.add(row);
  view.settle({});
  using Names = std::vector<std::pair<std::string, std::string>>;
  CHECK(selectors_in_use(view, kPeriods, 9) == Names{{"example.org", "s2"}, {"example.org", "s1"}});
  CHECK(selectors_in_use(view, kPeriods, 1) == Names{{"example.org", "s2"}});
}

TEST_CASE("TLS sessions that fail") {
  const struct {
    const char* why;
    std::uint64_t good, bad;
    ReportDay day;
    bool told;
  } rows[] = {
      {"one of ten", 900, 100, kDay, true},         {"all", 0, 20, kDay, true},
      {"one of a hundred", 9900, 100, kDay, false}, {"a few", 0, 19, kDay, false},
      {"last week", 0, 100, kDay - 7, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ReportView view(kPeriods.first, kPeriods.last);
    view.add(TlsViewRow{row.day, "example.org", "a", "sts", "", "mx", "", row.good});
    view.add(
        TlsViewRow{row.day, "example.org", "a", "sts", "certificate-expired", "mx", "", row.bad});
    view.settle({});
    const auto anomalies = find_anomalies(view, kPeriods, {});
    REQUIRE(anomalies.size() == (row.told ? 1 : 0));
    if (row.told) CHECK(anomalies[0].text.find("certificate-expired") != std::string::npos);
  }
}
