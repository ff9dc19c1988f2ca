#include <authmilter/report_advice.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/report_views/rows.h"

using namespace authmilter;
using namespace authmilter::test_rows;

namespace {

/// The same rows on each of so many days.
Advice advice_of(const std::vector<ViewRow>& rows, int days = 30,
                 std::optional<AssessmentPolicy> policy = AssessmentPolicy::none,
                 const std::set<std::string, std::less<>>& not_ours = {}) {
  ReportView view(kDay - days + 1, kDay);
  for (int ago = 0; ago < days; ++ago) {
    for (ViewRow row : rows) {
      row.day = kDay - ago;
      view.add(row);
    }
  }
  view.settle({});
  return advise(view.domains().at(0), kDay - days + 1, kDay, policy, not_ours);
}

const ChangeOutcome& outcome(const Advice& advice, std::string_view text) {
  for (const ChangeOutcome& change : advice.changes) {
    if (change.text == text) return change;
  }
  FAIL("not among the changes: " << text);
  return advice.changes.front();
}

ViewRow from_mail_host() {
  ViewRow row = good(kDay, 10);
  row.spf = {{"bounce.example.org", "", "pass"}};
  row.dkim = {{"mail.example.org", "m1", "pass"}};
  return row;
}

}  // namespace

TEST_CASE("what a change would have hit") {
  ViewRow by_dkim = good(kDay, 20);  // forwarded as it was
  by_dkim.source = "198.51.100.1";
  by_dkim.spf = {{"example.org", "", "softfail"}};
  by_dkim.spf_aligned = false;
  const Advice advice =
      advice_of({good(kDay, 100), from_mail_host(), by_dkim, service("esp.example", kDay, 5),
                 forged("203.0.113.5", kDay, 50)});
  const struct {
    const char* text;
    std::uint64_t hit, wanted;  // a day
  } rows[] = {
      {"p=quarantine", 55, 5},
      {"p=reject", 55, 5},
      {"-all", 20, 20},
      {"adkim=s", 0, 0},
      {"aspf=s", 0, 0},
      {"adkim=s; aspf=s", 10, 10},
      {"without s1._domainkey.example.org", 20, 20},
      {"without m1._domainkey.mail.example.org", 0, 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(outcome(advice, row.text).hit == row.hit * 30);
    CHECK(outcome(advice, row.text).hit_wanted == row.wanted * 30);
  }
  const auto& hits = outcome(advice, "p=reject").hits;
  REQUIRE(hits.size() == 2);
  CHECK(hits[0].source.name == "203.0.113.0/24");
  CHECK(hits[0].standing == SourceStanding::unknown);
  CHECK(hits[1].source.name == "esp.example");
  CHECK(hits[1].standing == SourceStanding::unaligned);
}

TEST_CASE("ready, or not") {
  using Policy = AssessmentPolicy;
  const struct {
    const char* why;
    std::vector<ViewRow> rows;
    int days;
    Policy policy;
    std::set<std::string, std::less<>> not_ours;
    bool quarantine, reject;
  } rows[] = {
      {"all passes", {good(kDay, 100)}, 30, Policy::none, {}, true, true},
      {"forgeries are what a policy is for",
       {good(kDay, 100), forged("203.0.113.5", kDay, 900)},
       30,
       Policy::none,
       {},
       true,
       true},
      {"a service that is not aligned",
       {good(kDay, 100), service("esp.example", kDay, 10)},
       30,
       Policy::none,
       {},
       false,
       false},
      {"which is not ours",
       {good(kDay, 100), service("esp.example", kDay, 10)},
       30,
       Policy::none,
       {"esp.example"},
       true,
       true},
      {"three in a thousand may be in the junk folder",
       {good(kDay, 997), service("esp.example", kDay, 3)},
       30,
       Policy::none,
       {},
       true,
       false},
      {"less than four weeks", {good(kDay, 100)}, 27, Policy::none, {}, false, false},
      {"too little mail", {good(kDay, 1)}, 30, Policy::none, {}, false, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Advice advice = advice_of(row.rows, row.days, row.policy, row.not_ours);
    CHECK(outcome(advice, "p=quarantine").ready == row.quarantine);
    CHECK(outcome(advice, "p=reject").ready == row.reject);
    CHECK(!outcome(advice, "p=reject").reason.empty());
  }
}

TEST_CASE("the way from none by quarantine to reject") {
  using Policy = AssessmentPolicy;
  const struct {
    const char* why;
    std::vector<ViewRow> rows;
    std::optional<Policy> policy;
    std::vector<const char*> path;  // what each line begins with
  } rows[] = {
      {"from none",
       {good(kDay, 100)},
       Policy::none,
       {"p=quarantine: ready: 0 of 3000 ", "publish \"p=quarantine; t=y\"", "p=reject: ready",
        "ask again"}},
      {"not yet",
       {good(kDay, 100), service("esp.example", kDay, 10)},
       std::nullopt,
       {"p=quarantine: not ready: 300 of 3300 messages that are probably yours (9.09 %)",
        "stay at p=none"}},
      {"from quarantine",
       {good(kDay, 100)},
       Policy::quarantine,
       {"p=reject: ready", "publish \"p=reject; t=y\""}},
      {"not to reject",
       {good(kDay, 997), service("esp.example", kDay, 3)},
       Policy::quarantine,
       {"p=reject: not ready", "stay at p=quarantine"}},
      {"done", {good(kDay, 100)}, Policy::reject, {"p=reject is published"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Advice advice = advice_of(row.rows, 30, row.policy);
    REQUIRE(advice.path.size() == row.path.size());
    for (std::size_t i = 0; i < row.path.size(); ++i) {
      CAPTURE(advice.path[i]);
      CHECK(advice.path[i].starts_with(row.path[i]));
    }
  }
}

TEST_CASE("how a source stands, and what mends it") {
  ViewRow listed = service("list.example");
  listed.dkim.push_back({"example.org", "s1", "fail"});
  ViewRow no_signature = service("esp.example");
  no_signature.dkim = {};
  ViewRow forgotten = forged("203.0.113.5");
  forgotten.spf = {{"example.org", "", "softfail"}};
  ViewRow broken = forged("203.0.113.5");
  broken.dkim = {{"example.org", "s1", "permerror"}};
  const struct {
    const char* why;
    std::vector<ViewRow> rows;
    SourceStanding standing;
    const char* remedy;  // a part of it
  } rows[] = {
      {"good", {good()}, SourceStanding::good, ""},
      {"signs as itself",
       {service("esp.example")},
       SourceStanding::unaligned,
       "let it sign with d=example.org"},
      {"does not sign",
       {no_signature},
       SourceStanding::unaligned,
       "a return path below example.org"},
      {"a list", {listed}, SourceStanding::forwarder, "ARC"},
      {"a host that SPF does not know", {forgotten}, SourceStanding::unknown, "add it there"},
      {"a key that is gone", {broken}, SourceStanding::unknown, "authmilter key check"},
      {"nothing", {forged("203.0.113.5")}, SourceStanding::unknown, "a forgery"},
      {"partly", {good(), forged("192.0.2.1")}, SourceStanding::partly, "neither signed nor sent"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ReportView view(kDay, kDay);
    for (const ViewRow& one : row.rows) view.add(one);
    view.settle({});
    const SourceView& source = view.domains().at(0).sources.at(0);
    CHECK(to_string(standing_of(source)) == to_string(row.standing));
    const std::string remedy = remedy_for(source, "example.org");
    CAPTURE(remedy);
    CHECK((*row.remedy == '\0' ? remedy.empty() : remedy.find(row.remedy) != std::string::npos));
  }
}
