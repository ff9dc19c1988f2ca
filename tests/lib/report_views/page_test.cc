#include <authmilter/report_page.h>
#include <authmilter/report_text.h>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "lib/report_views/rows.h"
#include "report_views/page_data.h"

using namespace authmilter;
using namespace authmilter::test_rows;

namespace {

const std::string kHostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

struct Views {
  ReportView received{kDay - 29, kDay};
  ReportView own{kDay - 29, kDay};
  PageInput input{"mx.example.org", kDay* kDaySeconds, received, own, {}, {}};
  void settle() {
    received.settle({});
    own.settle({});
  }
};

}  // namespace

TEST_CASE("numbers for people") {
  CHECK(percent_text(1, 0).empty());
  CHECK(percent_text(0, 5) == "0 %");
  CHECK(percent_text(5, 5) == "100 %");
  CHECK(percent_text(1, 1'000'000) == "<0.1 %");
  CHECK(percent_text(999'999, 1'000'000) == ">99.9 %");
  CHECK(percent_text(1, 3) == "33.3 %");
  CHECK(day_text(0) == "1970-01-01");
  CHECK(day_text(20'786) == "2026-11-29");
  CHECK(day_text(-5) == "1970-01-01");
  CHECK(time_day_text(253'402'300'799) == "9999-12-31");
  CHECK(time_day_text(INT64_MAX) == "9999-12-31");
}

TEST_CASE("what a stranger wrote is never markup") {
  Views views;
  ViewRow row = good(kDay, 3);
  row.domain = row.header_from = row.envelope_from = row.organization = row.disposition =
      row.reasons = kHostile;
  row.dkim = {{kHostile, kHostile, "pass"}};
  row.spf = {{kHostile, "", kHostile}};
  views.received.add(row);
  row.rule = row.decided = kHostile;
  views.own.add(row);
  views.received.add(
      TlsViewRow{kDay, kHostile, kHostile, kHostile, kHostile, kHostile, kHostile, 1});
  views.settle();
  views.input.sent.push_back({kDay, *DomainName::parse("example.org"), "mailto:" + kHostile, "id",
                              "file", SendState::failed, 1, 0, kHostile});
  views.input.reports.push_back(
      {.organization = kHostile, .report_id = kHostile, .domain = kHostile});
  views.input.host = kHostile;
  const std::string page = report_page(views.input);
  CHECK(page.find("alert(1)") != std::string::npos);
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find("<script>alert") == std::string::npos);
  CHECK(occurrences(page, "<script") == 2);
  CHECK(occurrences(page, "</script") == 2);
  CHECK(error_page(kHostile).find("<img") == std::string::npos);
}

TEST_CASE("nothing is fetched") {
  Views views;
  views.received.add(good());
  views.settle();
  const std::string page = report_page(views.input);
  for (const char* part :
       {"http:", "https:", "//cdn", "url(", "@import", "src=", "<link rel=\"style"}) {
    CAPTURE(part);
    // The namespace of SVG is a name.
    CHECK(occurrences(page, part) == (std::string_view(part) == "http:" ? 1 : 0));
  }
  CHECK(page.find("default-src 'none'; style-src 'sha256-") != std::string::npos);
  CHECK(page_security_policy().find("frame-ancestors 'none'") != std::string::npos);
  CHECK(page_security_policy().find("unsafe") == std::string::npos);
}

TEST_CASE("the tables can be read without a script") {
  Views views;
  views.received.add(good(kDay, 1234));
  views.received.add(service("esp.example", kDay, 66));
  ViewRow own = forged("203.0.113.9", kDay, 7);
  own.rule = "dmarc.reject";
  own.decided = "reject";
  own.monitored = true;
  views.own.add(own);
  views.settle();
  const std::string page = report_page(views.input);
  for (const char* part :
       {"<th scope=\"row\" class=\"t\">example.org</th>", "<td class=\"n\">1,300</td>", "94.9 %",
        "<th scope=\"row\" class=\"t\">esp.example</th>", "dmarc.reject", "receiver.example",
        "<dt>Would be rejected</dt><dd>7</dd>", "Nothing in this period.", "<noscript>"}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
}

TEST_CASE("the data that the script reads") {
  Views views;
  views.received.add(good(kDay, 10));
  ViewRow row = service("esp.example", kDay - 29, 3);
  row.disposition = "reject";
  views.received.add(row);
  views.settle();
  const std::string data = page_data(views.input);
  CAPTURE(data);
  for (const char* part : {"\"first\":19971,\"days\":30,", "\"domains\":[\"example.org\"]",
                           "\"sources\":[[\"DKIM\",\"example.org\"],[\"SPF\",\"esp.example\"]]",
                           "\"series\":[[0,0,[[29,10]]],[0,1,[[0,3,3,3,3,0,3]]]]",
                           "\"receivers\":[[0,0,[[0,3,3,0,3],[29,10]]]]", "\"own\":[]"}) {
    CAPTURE(part);
    CHECK(data.find(part) != std::string::npos);
  }
}

TEST_CASE("ten million messages in 90 days of 200 domains fit") {
  ReportView received(kDay - 89, kDay);
  ReportView own(kDay - 89, kDay);
  std::uint64_t messages = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int domain = 0; domain < 200; ++domain) {
    const std::string name = "domain-" + std::to_string(domain) + ".example.org";
    for (int ago = 0; ago < 90; ++ago) {
      for (int source = 0; source < 12; ++source) {
        const auto count =
            static_cast<std::uint64_t>(1 + (domain * 7 + ago * 13 + source * 5) % 92);
        ViewRow row = source == 0 ? good(kDay - ago, count * 5)
                      : source < 6
                          ? service("esp-" + std::to_string(source) + ".example", kDay - ago, count)
                          : forged("203.0." + std::to_string(domain) + "." + std::to_string(source),
                                   kDay - ago, count);
        row.domain = name;
        row.header_from = name;
        if (source == 0) row.dkim[0].domain = row.spf[0].domain = name;
        row.organization = "receiver-" + std::to_string((source + ago) % 9) + ".example";
        messages += row.count;
        received.add(row);
        own.add(row);
      }
    }
  }
  received.settle({});
  own.settle({});
  const std::string page = report_page({"mx.example.org", 0, received, own, {}, {}});
  const auto took = std::chrono::steady_clock::now() - begin;
  MESSAGE(messages << " messages, " << page.size() << " octets, "
                   << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms");
  CHECK(messages > 10'000'000);
  CHECK(page.size() < 2'000'000);
}

TEST_CASE("a year of more domains than fit is put together, and nothing is lost") {
  ReportView received(kDay - 399, kDay);
  ReportView own(kDay - 399, kDay);
  for (int domain = 0; domain < 600; ++domain) {
    for (int ago = 0; ago < 400; ago += 2) {
      ViewRow row = good(kDay - ago, 1'000'000'007U * static_cast<unsigned>(domain + 1));
      row.domain = row.header_from = "d" + std::to_string(domain) + ".example";
      row.organization = "r" + std::to_string(domain * 7 % 50);
      received.add(row);
      own.add(row);
    }
  }
  received.settle({});
  own.settle({});
  const std::string page = report_page({"mx.example.org", 0, received, own, {}, {}});
  CHECK(page.size() < 2'000'000);
  CHECK(page.find("(others)") != std::string::npos);
}
