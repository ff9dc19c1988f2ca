#include <authmilter/report_view.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/report_views/rows.h"

using namespace authmilter;
using namespace authmilter::test_rows;
using Kind = ReportSource::Kind;

namespace {

ReportView view_of(const std::vector<ViewRow>& rows, const AddressNames& names = {}) {
  ReportView view(kDay - 29, kDay);
  for (const ViewRow& row : rows) view.add(row);
  view.settle(names);
  return view;
}

const SourceView* find(const DomainView& domain, std::string_view name) {
  for (const SourceView& source : domain.sources) {
    if (source.source.name == name) return &source;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("what becomes of the numbers of a row") {
  ViewRow rejected = forged("203.0.113.5", kDay, 5);
  rejected.disposition = "reject";
  ViewRow excused = forged("203.0.113.5", kDay, 3);
  excused.reasons = "mailing_list";
  ViewRow monitored = forged("203.0.113.5", kDay, 2);
  monitored.monitored = true;
  monitored.decided = "reject";
  monitored.rule = "dmarc.reject";
  ViewRow by_spf = good(kDay, 7);
  by_spf.dkim_aligned = false;
  by_spf.dkim = {};
  const ReportView view = view_of({good(kDay, 10), rejected, excused, monitored, by_spf});
  const ReportTally total = view.total();
  CHECK(total.messages == 27);
  CHECK(total.pass == 17);
  CHECK(total.dkim == 10);
  CHECK(total.spf == 17);
  CHECK(total.rejected == 5);
  CHECK(total.quarantined == 0);
  CHECK(total.excused == 3);
  CHECK(total.would_reject == 2);
  REQUIRE(view.domains().size() == 1);
  CHECK(view.domains()[0].total == total);
  CHECK(sum(view.domains()[0].days) == total);
  REQUIRE(view.rules().size() == 1);
  CHECK(view.rules()[0].rule == "dmarc.reject");
}

TEST_CASE("rows of other days are left out, and days are in order") {
  const ReportView view = view_of({good(kDay + 1, 1), good(kDay, 2), good(kDay - 29, 4),
                                   good(kDay - 30, 8), good(kDay - 3, 16), good(kDay, 32)});
  const TallyDays& days = view.domains().at(0).days;
  REQUIRE(days.size() == 3);
  CHECK(days[0].first == kDay - 29);
  CHECK(days[1].first == kDay - 3);
  CHECK(days[2].second.messages == 34);
  CHECK(sum(days, kDay - 3, kDay).messages == 50);
}

TEST_CASE("what fails belongs to the source of its address, where that also passes") {
  ViewRow unsigned_one = forged("192.0.2.1", kDay, 4);
  ViewRow lost_key = service("esp.example", kDay, 6);
  lost_key.source = "192.0.2.1";
  ViewRow changed = service("list.example", kDay, 3);
  changed.source = "192.0.2.1";
  changed.dkim.push_back({"example.org", "s1", "fail"});
  const ReportView view =
      view_of({unsigned_one, lost_key, changed, good(kDay, 90), forged("203.0.113.5"),
               forged("203.0.113.200"), forged("198.51.100.1")},
              {{"198.51.100.1", "host.cloud.example"}});
  const DomainView& domain = view.domains().at(0);
  const auto* own = find(domain, "example.org");
  REQUIRE(own);
  CHECK(own->total.messages == 100);
  CHECK(own->total.pass == 90);
  CHECK(own->addresses == std::vector<std::string>{"192.0.2.1"});
  CHECK(own->selectors == std::vector<std::string>{"s1"});
  const auto* list = find(domain, "list.example");
  REQUIRE(list);  // forwarded: not the fault of its address
  CHECK(list->causes.forwarded == 3);
  const auto* network = find(domain, "203.0.113.0/24");
  REQUIRE(network);
  CHECK(network->total.messages == 2);
  CHECK(network->addresses.size() == 2);
  REQUIRE(find(domain, "cloud.example"));
  CHECK(find(domain, "cloud.example")->source.kind == Kind::ptr);
  CHECK(domain.sources.size() == 4);
}

TEST_CASE("the addresses that are worth asking the DNS for") {
  ReportView view(kDay, kDay);
  for (const ViewRow& row :
       {good(), forged("192.0.2.1", kDay, 100), forged("203.0.113.5", kDay, 5),
        forged("203.0.113.6", kDay, 50), forged("203.0.113.7", kDay, 500), service("esp.example")})
    view.add(row);
  CHECK(view.nameless_addresses(2) == std::vector<std::string>{"203.0.113.7", "203.0.113.6"});
  CHECK(view.nameless_addresses(9).size() == 3);
}

TEST_CASE("why messages fail, each for one reason") {
  const auto with = [](std::vector<ViewRow::Auth> dkim, std::vector<ViewRow::Auth> spf) {
    ViewRow row = forged("203.0.113.5");
    row.dkim = std::move(dkim);
    row.spf = std::move(spf);
    return row;
  };
  const struct {
    const char* why;
    ViewRow row;
    std::uint64_t FailureCauses::*cause;
  } rows[] = {
      {"a list", with({{"example.org", "s", "fail"}}, {{"list.example", "", "pass"}}),
       &FailureCauses::forwarded},
      {"a list that signs", with({{"list.example", "l", "pass"}, {"example.org", "s", "fail"}}, {}),
       &FailureCauses::forwarded},
      {"the key is gone", with({{"example.org", "s", "permerror"}}, {{"esp.example", "", "pass"}}),
       &FailureCauses::broken_signature},
      {"its own signature, and nothing else", with({{"example.org", "s", "fail"}}, {}),
       &FailureCauses::broken_signature},
      {"a service that signs as itself", with({{"esp.example", "k", "pass"}}, {}),
       &FailureCauses::foreign_dkim},
      {"a service that does not sign", with({}, {{"esp.example", "", "pass"}}),
       &FailureCauses::foreign_spf},
      {"a host that SPF does not know", with({}, {{"example.org", "", "softfail"}}),
       &FailureCauses::not_in_spf},
      {"nothing", with({}, {{"other.example", "", "fail"}}), &FailureCauses::nothing},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const ReportView view = view_of({row.row});
    const FailureCauses& causes = view.domains().at(0).sources.at(0).causes;
    CHECK(causes.*row.cause == 1);
    CHECK(causes.forwarded + causes.broken_signature + causes.foreign_dkim + causes.foreign_spf +
              causes.not_in_spf + causes.nothing ==
          1);
  }
}

TEST_CASE("selectors, and what passes by one alone") {
  ViewRow twice = good(kDay, 5);
  twice.spf_aligned = false;
  twice.dkim.push_back({"example.org", "s2", "pass"});
  ViewRow alone = good(kDay - 1, 3);
  alone.spf_aligned = false;
  ViewRow failing = forged("203.0.113.5", kDay, 2);
  failing.dkim = {{"example.org", "old", "fail"}, {"other.example", "k", "pass"}};
  twice.dkim.push_back({"other.example", "theirs", "pass"});
  const ReportView view = view_of({good(kDay, 10), twice, alone, failing});
  CHECK(view.domains().at(0).sources.at(0).selectors == std::vector<std::string>{"s1", "s2"});
  const auto& selectors = view.domains().at(0).selectors;
  REQUIRE(selectors.size() == 3);
  CHECK(selectors[0].selector == "s1");
  CHECK(selectors[0].messages == 18);
  CHECK(selectors[0].only == 3);
  CHECK(selectors[0].first == kDay - 1);
  CHECK(selectors[1].selector == "s2");
  CHECK(selectors[1].only == 0);
  CHECK(selectors[2].selector == "old");
  CHECK(selectors[2].failing == 2);
}

TEST_CASE("columns may come apart, and count once") {
  ReportView view(kDay, kDay);
  ViewRow sources = good(kDay, 10);
  sources.organization = "";
  ViewRow organizations = good(kDay, 10);
  organizations.source = "";
  view.add(sources, ReportView::Facet::sources);
  view.add(organizations, ReportView::Facet::organizations);
  view.settle({});
  const DomainView& domain = view.domains().at(0);
  CHECK(domain.total.messages == 10);
  REQUIRE(domain.sources.size() == 1);
  CHECK(domain.sources[0].total.messages == 10);
  REQUIRE(domain.organizations.size() == 1);
  CHECK(domain.organizations[0].total.messages == 10);
}

TEST_CASE("what strangers grow is bounded, and nothing is lost") {
  ReportView view(kDay, kDay);
  constexpr std::uint64_t kRows = 130'000;
  for (std::uint64_t i = 0; i < kRows; ++i) {
    ViewRow row = forged("10." + std::to_string(i % 200) + "." + std::to_string(i / 200 % 250) +
                         "." + std::to_string(i / 50'000));
    row.domain = row.header_from = "d" + std::to_string(i % 25'000) + ".example";
    row.organization = "o" + std::to_string(i);
    view.add(row);
  }
  view.settle({});
  CHECK(view.total().messages == kRows);
  CHECK(view.domains().size() <= 20'001);
  CHECK(view.domain(ReportView::kRest) != nullptr);
  std::uint64_t messages = 0;
  std::uint64_t sources = 0;
  for (const DomainView& domain : view.domains()) {
    for (const SourceView& source : domain.sources) messages += source.total.messages;
    for (const OrganizationView& organization : domain.organizations)
      sources += organization.total.messages;
  }
  CHECK(messages == kRows);
  CHECK(sources == kRows);
}

TEST_CASE("TLS reports are added up") {
  ReportView view(kDay, kDay);
  TlsViewRow row{kDay, "example.org", "sender.example", "tlsa", "validation-failure", "mx", "", 3};
  view.add(row);
  view.add(row);
  row.result_type = "";
  row.sessions = 100;
  view.add(row);
  row.day = kDay + 1;
  view.add(row);
  view.settle({});
  REQUIRE(view.tls().size() == 2);
  CHECK(view.tls()[0].sessions == 100);
  CHECK(view.tls()[1].sessions == 6);
}

TEST_CASE("sparklines") {
  const auto days = [](std::vector<std::uint64_t> counts) {
    TallyDays list;
    ReportDay day = kDay;
    for (const std::uint64_t count : counts) {
      ReportTally tally;
      tally.messages = count;
      list.emplace_back(day++, tally);
    }
    return list;
  };
  const struct {
    const char* why;
    TallyDays days;
    ReportDay last;
    std::size_t columns;
    Glyphs glyphs;
    const char* line;
  } rows[] = {
      {"one a day", days({0, 1, 4, 8}), kDay + 3, 10, Glyphs::blocks, " ▁▄█"},
      {"in letters", days({0, 1, 4, 8}), kDay + 3, 10, Glyphs::ascii, " .=@"},
      {"little beside much is seen", days({1, 1'000'000}), kDay + 1, 2, Glyphs::ascii, ".@"},
      {"days together", days({1, 3, 4, 4}), kDay + 3, 2, Glyphs::ascii, "=@"},
      {"days without rows", days({5}), kDay + 2, 3, Glyphs::ascii, "@  "},
      {"nothing", {}, kDay + 2, 3, Glyphs::ascii, "   "},
      {"no period", days({5}), kDay - 1, 3, Glyphs::ascii, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(sparkline(row.days, kDay, row.last, row.columns, row.glyphs) == row.line);
  }
}
