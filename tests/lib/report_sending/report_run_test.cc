#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/report_sending/sending_host.h"
#include "report_sending/report_plan.h"

using namespace authmilter;
using namespace authmilter::sending_test;

TEST_CASE("a closed day is reported once, to everybody who has agreed") {
  Host host;
  host.store.kept = {com(), net({"mailto:d@example.net", "mailto:d@reader.example",
                                 "mailto:d@stranger.example", "mailto:d@slow.example"})};
  const SendOutcome outcome = host.send();
  CHECK_FALSE(outcome.trouble);
  CHECK(host.mails() == Lines{"d@example.com", "d@example.net", "d@reader.example"});
  CHECK(host.states() == Lines{"d@example.com sent", "d@example.net sent", "d@reader.example sent",
                               "d@slow.example planned", "d@stranger.example failed"});
  REQUIRE(outcome.lines.size() == 5);
  CHECK(outcome.lines[0].messages == 3);
  CHECK(outcome.lines[0].records == 1);
  CHECK(outcome.lines[0].recipients == Lines{"d@example.com"});
  CHECK(outcome.lines[0].entry.detail == "to d@example.com: queued");
  CHECK(host.told.size() == 5);
  CHECK(host.told[4] == "mailto:d@slow.example 5/5");
  CHECK(host.store.lease_holder.empty());
  // One Report-ID for all destinations of a report.
  CHECK(host.carrier.carried[1].octets == host.carrier.carried[2].octets);

  // Once more, an hour later: nothing but what the DNS had left open.
  host.carrier.carried.clear();
  const SendOutcome again = host.send(kNight + 3600);
  CHECK(again.lines.size() == 1);
  CHECK(host.mails().empty());
  // And when the DNS says it, the report is the one that was planned.
  host.resolver =
      make_test_resolver(kZone + "example.net._report._dmarc.slow.example. TXT \"v=DMARC1\"\n");
  host.send(kNight + 7200);
  CHECK(host.mails() == Lines{"d@slow.example"});
  CHECK(host.carrier.carried[0].octets.find(host.store.sent[1].report_id) == 0);
}

TEST_CASE("nobody who knows what we report can work out the Report-ID") {
  Host host;
  host.store.kept = {com()};
  host.send();
  REQUIRE(host.store.sent.size() == 1);
  // A stranger knows our name, the day and his own policy.
  CHECK(host.store.sent[0].report_id !=
        report_id(report_identity(host.sender.submitter, kDay, *com().policy, "")));
  CHECK(host.carrier.carried[0].octets.starts_with(host.store.sent[0].report_id));
}

TEST_CASE(
    "what comes late is in the report while that waits, and in none once it is planned away") {
  Host host;
  host.store.kept = {com(), net({"mailto:d@slow.example"})};
  host.send();
  CHECK(host.mails() == Lines{"d@example.com"});
  // From the spool of a host whose database was away over midnight.
  host.store.kept.push_back(row(*com().policy, "192.0.2.9", 100));
  host.store.kept.push_back(row(*net({"mailto:d@slow.example"}).policy, "192.0.2.9", 100));
  host.resolver =
      make_test_resolver(kZone + "example.net._report._dmarc.slow.example. TXT \"v=DMARC1\"\n");
  const SendOutcome outcome = host.send(kNight + 3600);
  // RFC 9990 section 3.5.2: who has the first would throw another one with its Report-ID away, and
  // count twice what both have under another.
  CHECK(host.mails() == Lines{"d@example.com", "d@slow.example"});
  REQUIRE(outcome.lines.size() == 1);
  CHECK(outcome.lines[0].messages == 105);
}

TEST_CASE("which days are reported") {
  const struct {
    const char* why;
    ReportDay day;
    std::int64_t now;
    std::optional<ReportDay> asked;
    std::size_t mails;
  } rows[] = {
      {"yesterday", kDay, kNight, {}, 1},
      {"not today", kDay + 1, kNight, {}, 0},
      {"not at once: the last rows may be under way", kDay, (kDay + 1) * kDaySeconds + 60, {}, 0},
      {"what a pause has left", kDay - 3, kNight, {}, 1},
      {"not what is a week old", kDay - 7, kNight, {}, 0},
      {"unless it is asked for", kDay - 7, kNight, kDay - 7, 1},
      {"a day that is over may be asked for at once", kDay, (kDay + 1) * kDaySeconds, kDay, 1},
      {"one that is not over may not", kDay + 1, kNight, kDay + 1, 0},
      {"nor one to come", kDay + 9, kNight, kDay + 9, 0},
      {"another day than that which is asked for", kDay - 1, kNight, kDay, 0},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    Host host;
    host.store.kept = {com(line.day)};
    host.send({line.now, line.asked, {}});
    CHECK(host.carrier.carried.size() == line.mails);
  }
}

TEST_CASE("one domain alone") {
  Host host;
  host.store.kept = {com(), net({"mailto:d@example.net"})};
  host.send({kNight, {}, domain_name("example.net")});
  CHECK(host.mails() == Lines{"d@example.net"});
  host.send();
  CHECK(host.mails() == Lines{"d@example.net", "d@example.com"});
}

TEST_CASE("what the carrier says decides") {
  const struct {
    const char* why;
    Carried answer;
    SendState state;
    std::size_t bounces;
  } rows[] = {
      {"taken", {Carried::State::done, ""}, SendState::sent, 0},
      {"not now", {Carried::State::later, "450 4.2.1 later"}, SendState::planned, 0},
      {"never", {Carried::State::refused, "550 5.1.1 no such user"}, SendState::failed, 1},
      {"nobody knows", {Carried::State::unknown, "no answer"}, SendState::sending, 0},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    Host host;
    host.store.kept = {com()};
    host.carrier.answers["d@example.com"] = line.answer;
    const SendOutcome outcome = host.send();
    REQUIRE(host.store.sent.size() == 1);
    CHECK(host.store.sent[0].state == line.state);
    CHECK(host.store.sent[0].attempts == 1);
    CHECK(outcome.lines[0].entry.state == line.state);
    CHECK(outcome.lines[0].entry.detail.find(line.answer.detail) != std::string::npos);
    if (line.state != SendState::sending)
      CHECK(host.store.sent[0].detail == outcome.lines[0].entry.detail);
    CHECK(host.store.bounced.size() == line.bounces);
  }
}

TEST_CASE("what cannot be delivered is tried for some days, then given up") {
  Host host;
  host.store.kept = {com()};
  host.carrier.answers["d@example.com"] = {Carried::State::later, "450 later"};
  for (int day = 0; day < 5; ++day) {
    host.send(kNight + day * kDaySeconds);
    CHECK(host.states() == Lines{"d@example.com planned"});
  }
  host.send(kNight + 5 * kDaySeconds);
  CHECK(host.states() == Lines{"d@example.com failed"});
  CHECK(host.store.sent[0].detail == "given up: to d@example.com: 450 later");
  CHECK(host.store.sent[0].attempts == 5);
}

TEST_CASE("asked to stop it begins with nothing else, and what is left is sent the next time") {
  Host host;
  host.store.kept = {com(), net({"mailto:d@example.net"})};
  host.stop = [&] { return !host.carrier.carried.empty(); };
  const SendOutcome outcome = host.send();
  CHECK(outcome.stopped);
  CHECK(host.mails() == Lines{"d@example.com"});
  CHECK(host.store.lease_holder.empty());
  host.stop = nullptr;
  host.send();
  CHECK(host.mails() == Lines{"d@example.com", "d@example.net"});
}

TEST_CASE("one host of those that share a store sends") {
  Host host;
  host.store.kept = {com(), net({"mailto:d@example.net"})};
  host.store.lease_holder = "mx 2";
  host.store.lease_until = kNight + 100;
  CHECK(host.send().elsewhere);
  CHECK(host.mails().empty());
  CHECK(host.store.lease_holder == "mx 2");
  CHECK(host.store.sent.empty());
  // The other one has crashed, and its time is over.
  host.clock = kNight + 100;
  CHECK_FALSE(host.send().elsewhere);
  CHECK(host.mails().size() == 2);

  // The lease is lost in the middle, to one that thinks that we have crashed.
  Host slow;
  slow.store.kept = host.store.kept;
  slow.carrier.after = [&](std::string_view) { slow.store.lease_holder = "mx 2"; };
  slow.store.lease_until = 0;
  slow.store.after = [&](std::string_view) { slow.store.lease_until = kNight + 1000; };
  CHECK(slow.send().elsewhere);
  CHECK(slow.mails().size() == 1);
}

TEST_CASE("an entry that somebody else has taken meanwhile is theirs") {
  Host host;
  host.store.kept = {com()};
  host.store.before = [&](std::string_view call) {
    if (call == "advance") host.store.sent[0].state = SendState::sent;
  };
  const SendOutcome outcome = host.send();
  CHECK(host.mails().empty());
  REQUIRE(outcome.lines.size() == 1);
  CHECK(outcome.lines[0].entry.detail == "somebody else is at it");
}

TEST_CASE("a store that is in trouble ends the run") {
  for (const char* call :
       {"take_lease", "secret", "sends", "subjects", "rows", "plan", "bounces", "advance"}) {
    CAPTURE(call);
    Host host;
    host.store.kept = {com()};
    host.store.failing[call] = {StoreError::Kind::later, "locked"};
    const SendOutcome outcome = host.send();
    REQUIRE(outcome.trouble);
    CHECK(outcome.trouble->message == "locked");
    CHECK(host.mails().empty());
    // Nothing is lost by it.
    host.store.failing.clear();
    CHECK_FALSE(host.send().trouble);
    CHECK(host.mails() == Lines{"d@example.com"});
  }
}

TEST_CASE("a crash anywhere forgets nothing, and nothing is sent again under another name") {
  const std::vector<ReportRow> kept = {
      com(), com(kDay - 1),
      net({"mailto:d@example.net", "mailto:d@reader.example", "mailto:d@stranger.example"})};
  Host whole;
  whole.store.kept = kept;
  whole.send();
  const std::set<std::string> expected = [&] {
    std::set<std::string> all;
    for (const OutgoingReport& mail : whole.carrier.carried)
      all.insert(mail.recipients[0] + " " + mail.octets);
    return all;
  }();
  REQUIRE(expected.size() == 4);

  int crashes = 0;
  int repeated = 0;
  for (int step = 1;; ++step) {
    CAPTURE(step);
    Host host;
    host.store.kept = kept;
    int steps = 0;
    std::string crashed_at;
    const auto hook = [&](const char* when) {
      return [&, when](std::string_view call) {
        if (++steps != step) return;
        crashed_at = std::string(when) + " " + std::string(call);
        throw Crash();
      };
    };
    host.store.before = host.carrier.before = hook("before");
    host.store.after = host.carrier.after = hook("after");
    bool crashed = false;
    try {
      host.send();
    } catch (const Crash&) {
      crashed = true;
    }
    if (!crashed) break;
    CAPTURE(crashed_at);
    ++crashes;
    host.store.before = host.store.after = host.carrier.before = host.carrier.after = nullptr;
    host.clock += 600;  // the lease of the one that has crashed
    const SendOutcome outcome = host.send(kNight + 600);
    CHECK_FALSE(outcome.trouble);

    std::multiset<std::string> carried;
    for (const OutgoingReport& mail : host.carrier.carried)
      carried.insert(mail.recipients[0] + " " + mail.octets);
    // Nothing is forgotten, and nothing has another Report-ID, file name or content.
    CHECK(std::set<std::string>(carried.begin(), carried.end()) == expected);
    // Twice only what may not have arrived: the crash came after the mail was handed over and
    // before that was written down.
    const bool in_between = crashed_at == "after carry" ||
                            (crashed_at == "before advance" && carried.size() > expected.size());
    CHECK(carried.size() == expected.size() + (in_between ? 1 : 0));
    repeated += in_between ? 1 : 0;
  }
  CHECK(crashes > 40);
  // For each of the four mails there are these two moments, and no others.
  CHECK(repeated == 8);
}

TEST_CASE("a rehearsal makes what would be sent, and leaves no trace") {
  Host host;
  host.store.kept = {com(), net({"mailto:d@example.net", "mailto:d@reader.example"}),
                     row(policy("stranger.example", {"mailto:d@example.com"}), "192.0.2.3", 1)};
  std::vector<std::string> files;
  const auto take = [&](const SendLine& line, const OutgoingReport& mail) -> Status {
    files.push_back(line.entry.file_name + " " + mail.octets.substr(0, 4));
    return Done{};
  };
  const SendOutcome outcome = rehearse_reports(host.run(), {kNight}, take);
  CHECK_FALSE(outcome.trouble);
  // Each report once, whoever gets it; one that nobody may get is not made.
  CHECK(files == Lines{"mx.example.org!example.com!1795824000!1795910399.xml.gz exam",
                       "mx.example.org!example.net!1795824000!1795910399.xml.gz exam"});
  REQUIRE(outcome.lines.size() == 4);
  CHECK(outcome.lines[3].entry.state == SendState::failed);
  CHECK(host.mails().empty());
  CHECK(host.store.sent.empty());
  for (const std::string& call : host.store.calls)
    CHECK((call == "secret" || call == "subjects" || call == "rows" || call == "sends"));

  // What has been sent can be looked at again, under its name.
  host.send();
  files.clear();
  rehearse_reports(host.run(), {kNight, kDay, domain_name("example.com")}, take);
  CHECK(files == Lines{"mx.example.org!example.com!1795824000!1795910399.xml.gz exam"});

  const SendOutcome full =
      rehearse_reports(host.run(), {kNight}, [](const SendLine&, const OutgoingReport&) -> Status {
        return Error{"/full: No space left on device"};
      });
  REQUIRE(full.trouble);
  CHECK(full.trouble->message == "/full: No space left on device");
}
