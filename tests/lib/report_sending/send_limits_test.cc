#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/report_sending/sending_host.h"
#include "report_sending/bounces.h"
#include "report_sending/send_quota.h"

using namespace authmilter;
using namespace authmilter::sending_test;

TEST_CASE("nor is it tried for ever within these days") {
  for (const auto state : {Carried::State::later, Carried::State::unknown}) {
    Host host;
    host.store.kept = {com()};
    host.carrier.answers["d@example.com"] = {state, "450 later"};
    for (int run = 0; run < 20; ++run) host.send(kNight + run * 3600);
    CHECK(host.states() == Lines{"d@example.com failed"});
    CHECK(host.store.sent[0].attempts == 12);
  }
}

TEST_CASE("a destination that sends reports back is left alone for a while") {
  const struct {
    const char* why;
    unsigned times;
    int days_ago;
    bool sent;
  } rows[] = {
      {"once, yesterday", 1, 1, false},
      {"once, three days ago", 1, 3, true},
      {"twice, three days ago", 2, 3, false},
      {"twice, a week ago", 2, 7, true},
      {"often, three weeks ago", 9, 21, false},
      {"often, a month ago", 9, 30, true},
      {"never", 0, 0, true},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    Host host;
    host.store.kept = {com(), net({"mailto:d@example.net"})};
    host.store.bounced = {
        {"mailto:d@example.com", line.times, kNight - line.days_ago * kDaySeconds, "550 no"}};
    host.send();
    CHECK(host.mails().size() == (line.sent ? 2 : 1));
    CHECK(host.mails().back() == "d@example.net");  // which is none of its business
    CHECK(host.states()[0] == (line.sent ? "d@example.com sent" : "d@example.com failed"));
  }
}

TEST_CASE("the owner of very many names does not have us send very many mails") {
  Host host;
  const auto below = [](std::size_t number) {
    return row(policy("s" + std::to_string(number) + ".example.com", {"mailto:d@example.com"}),
               "192.0.2.1", 1);
  };
  for (std::size_t i = 0; i < kReportsOfOwner + 7; ++i) host.store.kept.push_back(below(i));
  host.store.kept.push_back(net({"mailto:d@example.net"}));
  const SendOutcome outcome = host.send();
  const auto to = [&](const std::string& mailbox) {
    const Lines mails = host.mails();
    return static_cast<std::size_t>(std::count(mails.begin(), mails.end(), mailbox));
  };
  CHECK(to("d@example.com") == kReportsOfOwner);
  CHECK(to("d@example.net") == 1);  // which is none of its business
  CHECK(outcome.notes ==
        Lines{"7 reports are left out: 250 reports about domains of example.com have been sent "
              "today"});
  // Each that is left out is named.
  CHECK(std::count_if(outcome.lines.begin(), outcome.lines.end(), [](const SendLine& line) {
          return line.entry.state == SendState::failed &&
                 line.entry.detail.starts_with("left out: 250 reports");
        }) == 7);
  // Nor by another run on the same day; on the next it may again.
  host.store.kept = {below(999), net({"mailto:e@example.net"})};
  host.send(kNight + 3600);
  CHECK(to("d@example.com") == kReportsOfOwner);
  host.store.kept = {row(*below(1).policy, "192.0.2.1", 1, kDay + 1)};
  host.send(kNight + kDaySeconds);
  CHECK(to("d@example.com") == kReportsOfOwner + 1);
}

TEST_CASE("how many reports an address gets in a day") {
  SendQuota quota;
  const SendQuota::Addresses one = {{"d@reader.example", domain_name("reader.example")}};
  const SendQuota::Addresses two = {{"e@reader.example", domain_name("reader.example")}};
  for (std::size_t i = 0; i < kReportsToAddress; ++i) {
    const DomainName owner = domain_name("o" + std::to_string(i) + ".example");
    REQUIRE(quota.full(owner, one).empty());
    quota.count(owner, one);
  }
  CHECK(quota.full(domain_name("example.com"), one) ==
        "2000 reports have been sent to d@reader.example today");
  CHECK(quota.full(domain_name("example.com"), two).empty());
  const SendQuota::Addresses same = {{"D@Reader.example", domain_name("reader.example")}};
  CHECK_FALSE(quota.full(domain_name("example.com"), same).empty());
}

TEST_CASE("a host that puts one address for two gets the report once") {
  Host host;
  host.store.kept = {net({"mailto:a@moved.example", "mailto:b@moved.example"})};
  host.send();
  CHECK(host.mails() == Lines{"new@moved.example"});
  CHECK(host.states() == Lines{"a@moved.example sent", "b@moved.example failed"});

  // Also when the second is tried in another run.
  Host other;
  other.store.kept = host.store.kept;
  int entries = 0;
  other.stop = [&] { return entries > 0; };
  other.store.after = [&](std::string_view call) { entries += call == "advance" ? 1 : 0; };
  CHECK(other.send().stopped);
  CHECK(other.mails() == Lines{"new@moved.example"});
  other.stop = nullptr;
  other.send(kNight + 60);
  CHECK(other.mails() == Lines{"new@moved.example"});
}
