#include <authmilter/report_mail.h>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <authmilter/aggregate_writer.h>
#include <authmilter/report_name.h>

#include "support/written_reports.h"

using namespace authmilter;

namespace {

ReportIdentity identity() {
  return {.receiver = *DomainName::parse("receiver.example"),
          .policy_domain = *DomainName::parse("example.org"),
          .begin = 1764288000,  // 2025-11-28
          .end = 1764374399,
          .policy = "v=DMARC1; p=reject"};
}

std::string longest_line(std::string_view text) {
  std::string longest;
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    REQUIRE(end != std::string_view::npos);
    if (end > longest.size()) longest = text.substr(0, end);
    text.remove_prefix(end + 2);
  }
  return longest;
}

}  // namespace

TEST_CASE("the names of a report (RFC 9990 section 3.5)") {
  const std::string id = report_id(identity());
  CHECK(id == "example.org.20251128." + id.substr(21, 16) + "@receiver.example");
  CHECK(report_file_name(identity(), ReportPlace::first) ==
        "receiver.example!example.org!1764288000!1764374399.xml.gz");
  CHECK(report_file_name(identity(), ReportPlace::further) ==
        "receiver.example!example.org!1764288000!1764374399!" + id.substr(21, 16) + ".xml.gz");
  CHECK(report_subject(identity()) ==
        "Report Domain: example.org Submitter: receiver.example Report-ID: <" + id + ">");
  // The retry's are the same.
  CHECK(report_id(identity()) == id);
  // Everything else is another report.
  const auto other = [&](auto change) {
    ReportIdentity changed = identity();
    change(changed);
    return report_id(changed);
  };
  using Identity = ReportIdentity;
  CHECK(other([](Identity& i) { i.receiver = *DomainName::parse("mx.example"); }) != id);
  CHECK(other([](Identity& i) { i.policy_domain = *DomainName::parse("example.net"); }) != id);
  CHECK(other([](Identity& i) { i.begin -= 86400; }) != id);
  CHECK(other([](Identity& i) { i.end += 1; }).substr(21) != id.substr(21));
  CHECK(other([](Identity& i) { i.policy = "v=DMARC1; p=none"; }).substr(21) != id.substr(21));
  // Who knows everything but the secret does not know the name.
  CHECK(other([](Identity& i) { i.secret = "1"; }).substr(21) != id.substr(21));
}

TEST_CASE("the mail of an aggregate report") {
  AggregateReport report{.metadata = {.org_name = "Receiver",
                                      .report_id = report_id(identity()),
                                      .begin = identity().begin,
                                      .end = identity().end},
                         .policy_published = {.domain = identity().policy_domain}};
  AggregateWriter writer(report, ReportNamespace::rfc9990);
  AggregateRecord record{
      .source_ip = *IpAddress::parse("192.0.2.1"), .count = 1, .header_from = "example.org"};
  for (int i = 0; i < 200; ++i) writer.add(record);
  const ReportMailHeader header{.from = "dmarc@receiver.example",
                                .to = {"reports@example.org", "dmarc@analyst.example"},
                                .subject = report_subject(identity()),
                                .message_id = report_id(identity()),
                                .date = 1764378000};
  const auto mail = aggregate_report_mail(
      header, report_file_name(identity(), ReportPlace::further), writer.finish());
  REQUIRE(mail);
  CHECK(mail->starts_with(
      "From: dmarc@receiver.example\r\n"
      "To: reports@example.org, dmarc@analyst.example\r\n"
      "Subject: Report Domain: example.org Submitter: receiver.example Report-ID:\r\n"
      " <" +
      report_id(identity()) +
      ">\r\n"
      "Date: Sat, 29 Nov 2025 01:00:00 +0000\r\n"));
  CHECK(mail->find("\r\nContent-Type: application/gzip\r\n") != std::string::npos);
  CHECK(mail->find(" filename=\"" + report_file_name(identity(), ReportPlace::further) +
                   "\"\r\n") != std::string::npos);
  CHECK(longest_line(*mail).size() <= 100);

  WrittenReports written;
  const auto outcomes = read_reports(*mail, {}, written);
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].status == ReportOutcome::Status::stored);
  CHECK(outcomes[0].report_id == report_id(identity()));
  CHECK(outcomes[0].messages == 200);
  CHECK(written.aggregate[0].mail.author_domain == identity().receiver);
}

TEST_CASE("names of any length go on lines that can be sent") {
  const std::string label(63, 'a');
  ReportIdentity longest = identity();
  longest.receiver =
      *DomainName::parse(label + "." + label + "." + label + "." + std::string(61, 'b'));
  longest.policy_domain =
      *DomainName::parse(label + "." + label + "." + label + "." + std::string(61, 'c'));
  const ReportMailHeader header{
      "a@receiver.example", {"b@example.org"}, report_subject(longest), report_id(longest), 0};
  const auto mail =
      aggregate_report_mail(header, report_file_name(longest, ReportPlace::further), "x");
  REQUIRE(mail);
  CHECK(longest_line(*mail).size() <= 998);
}

TEST_CASE("no value becomes another field") {
  const ReportMailHeader good{
      "a@receiver.example", {"b@example.org"}, "x", "1@receiver.example", 0};
  const struct {
    const char* why;
    ReportMailHeader header;
    std::string_view file_name;
  } rows[] = {
      {"a line end in an address",
       {"a@b\r\nBcc: c@d.example", {"b@example.org"}, "x", "1@a", 0},
       "a.xml.gz"},
      {"in the second destination",
       {"a@b", {"b@example.org", "c\n@example.org"}, "x", "1@a", 0},
       "a.xml.gz"},
      {"in the Subject", {"a@b", {"b@example.org"}, "x\n", "1@a", 0}, "a.xml.gz"},
      {"in the id", {"a@b", {"b@example.org"}, "x", "1\r", 0}, "a.xml.gz"},
      {"UTF-8", {"a@b", {"b@example.org"}, "\xc5\xbc", "1@a", 0}, "a.xml.gz"},
      {"a word that no line holds",
       {"a@b", {"b@example.org"}, std::string(999, 'x'), "1@a", 0},
       "a.xml.gz"},
      {"a quote in the file's name", good, "a\".xml.gz"},
      {"a line end in it", good, "a\r\n.xml.gz"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(!aggregate_report_mail(row.header, row.file_name, "x"));
  }
  CHECK(aggregate_report_mail(good, "a.xml.gz", "x"));
}
