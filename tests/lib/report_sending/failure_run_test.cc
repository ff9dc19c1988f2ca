#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <authmilter/failure_spool.h>
#include <authmilter/report_sending.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include "lib/report_sending/memory_store.h"
#include "lib/report_sending/sample_rows.h"
#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

constexpr std::int64_t kFirst = kNight;
constexpr std::int64_t kGathered = kFirst + 600;

FailureNote note(std::string_view client = "192.0.2.1",
                 std::vector<std::string> ruf = {"mailto:f@example.com"}) {
  FailureNote made{domain_name("example.com"), std::move(ruf), domain_name("example.com")};
  FailureReport& report = made.report;
  report.auth_failure = AuthFailure::dmarc;
  report.identity_alignment = IdentityAlignment{true, true};
  report.delivery_result = DeliveryResult::reject;
  report.reported_domain = domain_name("example.com");
  report.source_ip = IpAddress::parse(client);
  report.arrival_date = kFirst;
  report.original_mail_from = "secret.person@example.com";
  report.authentication_results = "mx.example.org; dmarc=fail header.from=example.com";
  report.original_header =
      "From: Secret Person <secret.person@example.com>\nSubject: see http://x.example/y\n";
  return made;
}

const std::string kZone =
    "example.com. TXT \"v=spf1 -all\"\n"
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject; ruf=mailto:f@example.com\"\n"
    "example.com._report._dmarc.reader.net. TXT \"v=DMARC1\"\n"
    "example.com._report._dmarc.moved.net. TXT \"v=DMARC1; ruf=mailto:new@moved.net\"\n";

class Carrier final : public ReportCarrier {
 public:
  std::vector<OutgoingReport> carried;
  Carried answer{Carried::State::done, "queued"};
  Carried carry(const OutgoingReport& mail) override {
    carried.push_back(mail);
    return answer;
  }
};

struct Host {
  TemporaryFolder folder;
  FailureSpool spool{folder.path() / "failures"};
  MemoryStore store;
  Carrier carrier;
  std::unique_ptr<Resolver> resolver =
      make_test_resolver(kZone, {{"example.com._report._dmarc.slow.net", DnsFault::timeout}});
  ReportsConfig config;
  ReportSender sender = sample_sender();
  std::int64_t clock = kGathered;

  FailureOutcome send(std::int64_t now = kGathered) {
    const SendRun run{store, *resolver, config, sender, nullptr};
    const auto compose = [](const FailureReport& report, const std::string& id,
                            const std::vector<ReportAddress>& to) {
      OutgoingReport mail;
      for (const ReportAddress& one : to) mail.recipients.push_back(one.mailbox);
      mail.octets = id + "|" + std::to_string(report.incidents) + "|" + report.spf_dns + "|" +
                    report.original_mail_from + "|" + report.original_header;
      return Result<OutgoingReport>(mail);
    };
    return send_failures(spool, run, compose, carrier, now, [this] { return clock; });
  }
  std::size_t waiting() {
    const auto kinds = spool.waiting();
    REQUIRE(kinds);
    return kinds->size();
  }
};

}  // namespace

TEST_CASE("like incidents are collected and told once (RFC 9991 section 2)") {
  Host host;
  for (int i = 0; i < 7; ++i) REQUIRE(host.spool.add(note()));
  REQUIRE(host.spool.add(note("203.0.113.9")));
  CHECK(host.waiting() == 2);
  CHECK(host.send(kFirst + 300).lines.empty());  // others may follow
  const FailureOutcome outcome = host.send();
  CHECK(outcome.trouble.empty());
  REQUIRE(host.carrier.carried.size() == 2);
  REQUIRE(outcome.lines.size() == 2);
  CHECK(outcome.lines[0].incidents + outcome.lines[1].incidents == 8);
  CHECK(outcome.lines[0].state == SendState::sent);
  CHECK(host.waiting() == 0);
  CHECK(host.send().lines.empty());
}

TEST_CASE("what leaves is redacted before it is written down (RFC 6590)") {
  Host host;
  REQUIRE(host.spool.add(note()));
  for (const auto& file : std::filesystem::directory_iterator(host.folder.path() / "failures")) {
    std::ifstream stream(file.path());
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    CAPTURE(file.path().filename().string());
    CHECK(text.find("secret.person") == std::string::npos);
    CHECK(text.find("Secret Person") == std::string::npos);
    CHECK((file.status().permissions() & std::filesystem::perms::others_all) ==
          std::filesystem::perms::none);
  }
  host.send();
  REQUIRE(host.carrier.carried.size() == 1);
  const std::string& mail = host.carrier.carried[0].octets;
  CHECK(mail.find("secret") == std::string::npos);
  CHECK(mail.find("@example.com") != std::string::npos);
  CHECK(mail.find("http://") == std::string::npos);
  // The record that SPF failed by, as RFC 9991 section 4 requires.
  CHECK(mail.find("|txt : example.com : \"v=spf1 -all\"|") != std::string::npos);
  CHECK(mail.starts_with("failure."));
}

TEST_CASE("failures go to who has agreed alone (RFC 9991 section 5)") {
  const struct {
    const char* why;
    std::string uri;
    std::string recipient;
    SendState state;
  } rows[] = {
      {"the domain itself", "mailto:f@example.com", "f@example.com", SendState::sent},
      {"one that agrees", "mailto:f@reader.net", "f@reader.net", SendState::sent},
      {"and names another address", "mailto:f@moved.net", "new@moved.net", SendState::sent},
      {"a stranger", "mailto:f@stranger.net", "", SendState::failed},
      {"the DNS does not say", "mailto:f@slow.net", "", SendState::planned},
      {"no address", "https://example.com/f", "", SendState::failed},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Host host;
    REQUIRE(host.spool.add(note("192.0.2.1", {row.uri})));
    const FailureOutcome outcome = host.send();
    REQUIRE(outcome.lines.size() == 1);
    CHECK(outcome.lines[0].state == row.state);
    CHECK(host.carrier.carried.size() == (row.recipient.empty() ? 0 : 1));
    if (!row.recipient.empty()) CHECK(host.carrier.carried[0].recipients[0] == row.recipient);
    CHECK(host.waiting() == (row.state == SendState::planned ? 1 : 0));
    // A day later nobody looks for the cause any more.
    host.send(kFirst + 2 * kDaySeconds);
    CHECK(host.waiting() == 0);
  }
}

TEST_CASE("a destination gets so many an hour") {
  Host host;
  host.config.failure_reports_per_hour = 2;
  for (int i = 1; i <= 5; ++i) REQUIRE(host.spool.add(note("192.0.2." + std::to_string(i))));
  host.send();
  CHECK(host.carrier.carried.size() == 2);
  CHECK(host.waiting() == 3);
  // What waits goes on being counted.
  REQUIRE(host.spool.add(note("192.0.2.5")));
  host.clock += 1800;
  host.send(kGathered + 1800);
  CHECK(host.carrier.carried.size() == 2);
  host.clock += 1801;
  host.send(kGathered + 3601);
  CHECK(host.carrier.carried.size() == 4);
}

TEST_CASE("what the carrier says decides") {
  const struct {
    Carried::State answer;
    SendState state;
    std::size_t waiting, bounces;
  } rows[] = {{Carried::State::done, SendState::sent, 0, 0},
              {Carried::State::unknown, SendState::sent, 0, 0},
              {Carried::State::later, SendState::planned, 1, 0},
              {Carried::State::refused, SendState::failed, 0, 1}};
  for (const auto& row : rows) {
    CAPTURE(row.state);
    Host host;
    host.carrier.answer.state = row.answer;
    REQUIRE(host.spool.add(note()));
    CHECK(host.send().lines.at(0).state == row.state);
    CHECK(host.waiting() == row.waiting);
    CHECK(host.store.bounced.size() == row.bounces);
    // Who has sent one back is left alone.
    if (row.bounces == 0) continue;
    REQUIRE(host.spool.add(note()));
    host.send();
    CHECK(host.carrier.carried.size() == 1);
  }
}

TEST_CASE("of two destinations only the one that has not got it waits") {
  Host host;
  REQUIRE(host.spool.add(note("192.0.2.1", {"mailto:f@example.com", "mailto:f@slow.net"})));
  host.send();
  CHECK(host.carrier.carried.size() == 1);
  const auto kinds = host.spool.waiting();
  REQUIRE(kinds);
  REQUIRE(kinds->size() == 1);
  CHECK(kinds->front().note.ruf == std::vector<std::string>{"mailto:f@slow.net"});
}

TEST_CASE("a file that cannot be read is removed, and there is room for so many kinds") {
  Host host;
  REQUIRE(host.spool.add(note()));
  host.folder.write("failures/0123.failure", "nothing");
  CHECK(host.waiting() == 1);
  CHECK_FALSE(std::filesystem::exists(host.folder.path() / "failures/0123.failure"));
  for (std::size_t i = 0; i < FailureSpool::kMostKinds; ++i)
    host.folder.write("failures/x" + std::to_string(i), "");
  REQUIRE(host.spool.add(note("192.0.2.2")));
  CHECK(host.waiting() == 1);
  REQUIRE(host.spool.add(note()));  // which is known
  CHECK(host.spool.waiting()->front().note.report.incidents == 2);
}

TEST_CASE("without a folder nothing waits") {
  FailureSpool none("");
  CHECK_FALSE(none.add(note()));
  const TemporaryFolder folder;
  FailureSpool missing(folder.write("file", "") / "failures");
  CHECK_FALSE(missing.add(note()));
  CHECK(missing.waiting()->empty());
}
