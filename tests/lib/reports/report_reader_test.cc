#include <authmilter/report_reader.h>

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <authmilter/crypto.h>

#include "archive/gzip.h"
#include "support/written_reports.h"

using namespace authmilter;

namespace {

std::string aggregate(std::string_view id) {
  return "<?xml version='1.0'?><feedback><report_metadata><org_name>R</org_name><report_id>" +
         std::string(id) +
         "</report_id><date_range><begin>1700000000</begin><end>1700086399</end></date_range></"
         "report_metadata>"
         "<policy_published><domain>example.org</domain></"
         "policy_published><record><row><source_ip>192.0.2.1"
         "</source_ip><count>2</count></row></record></feedback>";
}

std::string gzip(std::string_view text) {
  GzipWriter writer;
  writer.add(text);
  return writer.finish();
}

std::string base64(std::string_view text) {
  const std::string digits =
      base64_encode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  std::string lines;
  for (std::size_t at = 0; at < digits.size(); at += 76) lines += digits.substr(at, 76) + "\r\n";
  return lines;
}

std::string mail(std::string_view type, std::string_view encoding, std::string_view content) {
  return "From: Reports <dmarc@receiver.example>\r\nSubject: Report Domain: "
         "example.org\r\nMessage-ID: <1@r>\r\n"
         "Authentication-Results: mx.example.org; dmarc=pass header.from=receiver.example\r\n"
         "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n"
         "Content-Type: text/plain\r\n\r\nThis is a report.\r\n--b\r\nContent-Type: " +
         std::string(type) + "\r\nContent-Transfer-Encoding: " + std::string(encoding) +
         "\r\nContent-Disposition: attachment; filename=\"r!example.org!1!2.xml.gz\"\r\n\r\n" +
         std::string(content) + "\r\n--b--\r\n";
}

std::string failure_mail(std::string_view attached) {
  return "From: f@receiver.example\nMessage-ID: <2@r>\nMIME-Version: 1.0\n"
         "Content-Type: multipart/report; report-type=feedback-report; "
         "boundary=b\n\n--b\n\nhello\n--b\n"
         "Content-Type: message/feedback-report\n\nFeedback-Type: auth-failure\nReported-Domain: "
         "example.org\n"
         "Arrival-Date: Mon, 7 Apr 2025 23:16:09 +0200\nIncidents: 4\n\n--b\nContent-Type: "
         "message/rfc822\n\n"
         "From: a@example.org\nSubject: x\n" +
         std::string(attached) + "\n--b--\n";
}

const std::string kTls =
    R"({"organization-name": "X", "report-id": "t", "date-range": {"start-datetime": "2016-04-01T00:00:00Z",
        "end-datetime": "2016-04-01T23:59:59Z"}, "policies": [{"policy": {"policy-domain": "example.org"},
        "summary": {"total-successful-session-count": 5, "total-failure-session-count": 2}}]})";

/// "stored aggregate 1 example.org x2; rejected: reason"
std::string outcomes(const std::vector<ReportOutcome>& found) {
  std::string out;
  for (const ReportOutcome& outcome : found) {
    if (!out.empty()) out += "; ";
    out += to_string(outcome.status);
    if (outcome.kind) out += " " + std::string(to_string(*outcome.kind));
    if (!outcome.report_id.empty()) out += " " + outcome.report_id;
    if (!outcome.domain.empty()) out += " " + outcome.domain;
    if (outcome.messages > 0) out += " x" + std::to_string(outcome.messages);
    if (!outcome.reason.empty()) out += ": " + outcome.reason;
  }
  return out;
}

}  // namespace

TEST_CASE("reports are known by their first octets, wherever they are") {
  const std::string xml = aggregate("1");
  const std::string stored = "stored aggregate 1 example.org x2";
  const std::string mail_in_mail =
      "From: a@b.example\nContent-Type: multipart/mixed; "
      "boundary=x\n\n--x\n\nfwd\n--x\nContent-Type: message/rfc822\n\n" +
      mail("application/gzip", "base64", base64(gzip(xml))) + "\n--x--\n";
  const struct {
    const char* why;
    std::string octets;
    std::string outcomes;
  } rows[] = {
      {"XML", xml, stored},
      {"behind a byte order mark and blanks", "\xef\xbb\xbf\r\n " + xml, stored},
      {"gzip", gzip(xml), stored},
      {"in two members", gzip(xml.substr(0, 50)) + gzip(xml.substr(50)), stored},
      {"base64 of gzip, which some save", base64(gzip(xml)), stored},
      {"gzip in gzip", gzip(gzip(xml)), stored},
      {"a mail", mail("application/gzip", "base64", base64(gzip(xml))), stored},
      {"a mail of an mbox",
       "From MAILER Sun Nov 29 10:00:00 2026\n" +
           mail("application/gzip", "base64", base64(gzip(xml))),
       stored},
      {"as application/zip, though it is gzip",
       mail("application/zip", "base64", base64(gzip(xml))), stored},
      {"as text", mail("text/plain; charset=utf-8", "base64", base64(gzip(xml))), stored},
      {"as application/octet-stream, not packed",
       mail("application/octet-stream", "base64", base64(xml)), stored},
      {"as text/xml", mail("text/xml", "8bit", xml), stored},
      {"base64 twice", mail("application/gzip", "base64", base64(base64(gzip(xml)))), stored},
      {"an encoding that nobody knows", mail("application/gzip", "base64;", base64(gzip(xml))),
       stored},
      {"a mail that is nothing but the report",
       "From: a@b.example\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: "
       "base64\r\n\r\n" +
           base64(gzip(xml)),
       stored},
      {"a mail that was forwarded", mail_in_mail, stored},
      {"a gzipped mail", gzip(mail("application/gzip", "base64", base64(gzip(xml)))), stored},
      {"a TLS report", kTls, "stored smtp-tls t example.org x7"},
      {"gzipped", gzip(kTls), "stored smtp-tls t example.org x7"},
      {"in a mail", mail("application/tlsrpt+gzip", "base64", base64(gzip(kTls))),
       "stored smtp-tls t example.org x7"},
      {"a failure report", failure_mail("\nbody"), "stored failure <2@r> example.org x4"},
      {"reports that the message that failed has attached are not read",
       failure_mail("Content-Type: text/xml\n\n" + xml), "stored failure <2@r> example.org x4"},

      {"nothing", "", "rejected: it is neither a report nor a mail"},
      {"a text", "hello\n", "rejected: it is neither a report nor a mail"},
      {"an image", "\x89PNG\r\n\x1a\n", "rejected: it is neither a report nor a mail"},
      {"a mail without a report", "From: a@b.example\n\nhello: you\n",
       "rejected: there is no report in it"},
      {"a mail with a page", mail("text/html", "7bit", "<html><p>hi</p></html>"),
       "rejected: its root element is <html>, not <feedback>"},
      {"a page beside the report is nothing",
       mail("text/html", "7bit", "<!DOCTYPE html><html>\r\n--b\r\n\r\n" + xml), stored},
      {"damaged gzip", gzip(xml).substr(0, 100), "rejected: its gzip data end too early"},
      {"damaged base64", "H4sI!!!!", "rejected: its base64 is damaged"},
      {"JSON of something else", "{\"a\": 1}", "rejected: its JSON is not that of a TLS report"},
      {"another feedback",
       "From: a@b.example\nContent-Type: multipart/report; boundary=b\n\n--b\n\nFeedback-Type: "
       "abuse\n--b--\n",
       "rejected failure: it is a feedback report of another type: abuse"},
      {"a billion laughs", "<!DOCTYPE l [<!ENTITY l 'lol'>]><feedback>&l;</feedback>",
       "rejected aggregate: it has a document type (DTD)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    WrittenReports written;
    CHECK(outcomes(read_reports(row.octets, {}, written)) == row.outcomes);
  }
}

TEST_CASE("several reports in one mail or archive") {
  const std::string parts =
      base64(gzip(aggregate("1"))) + "\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
      base64(gzip(aggregate("2"))) + "\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
      base64(gzip(aggregate("1"))) + "\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
      base64(gzip("<feedback>"));
  WrittenReports written;
  CHECK(outcomes(read_reports(mail("application/gzip", "base64", parts), {}, written)) ==
        "stored aggregate 1 example.org x2; stored aggregate 2 example.org x2; "
        "duplicate aggregate 1 example.org; rejected aggregate: its XML ends before its root "
        "element does");
  CHECK(read_reports(mail("application/gzip", "base64", parts), {.reports = 2}, written).size() ==
        2);

  // What the store cannot keep comes again, so the rest is not looked at.
  WrittenReports broken;
  broken.broken = true;
  CHECK(outcomes(read_reports(mail("application/gzip", "base64", parts), {}, broken)) ==
        "failed aggregate 1 example.org x2: the disk is full");
}

TEST_CASE("what is known of the mail") {
  WrittenReports written;
  read_reports(mail("application/gzip", "base64", base64(gzip(aggregate("1")))), {}, written);
  REQUIRE(written.aggregate.size() == 1);
  const ReportMail& found = written.aggregate[0].mail;
  CHECK(found.author_domain == DomainName::parse("receiver.example"));
  CHECK(found.subject == "Report Domain: example.org");
  CHECK(found.message_id == "<1@r>");
  REQUIRE(found.authentication_results.size() == 1);
  CHECK(found.authentication_results[0] ==
        " mx.example.org; dmarc=pass header.from=receiver.example");

  read_reports(aggregate("2"), {}, written);
  CHECK(!written.aggregate[1].mail.author_domain);

  // RFC 8601 section 5: our server removes forged results from the mail that comes, and cannot from
  // one that is packed in it.
  const std::string within = mail("application/gzip", "base64", base64(gzip(aggregate("3"))));
  const std::string around =
      "From: a@stranger.example\nContent-Transfer-Encoding: base64\n\n" + base64(gzip(within));
  read_reports(around, {}, written);
  REQUIRE(written.aggregate.size() == 3);
  CHECK(written.aggregate[2].mail.author_domain == DomainName::parse("stranger.example"));
  CHECK(written.aggregate[2].mail.authentication_results.empty());

  // A mail in an archive that nobody sent is the one that came.
  read_reports(gzip(mail("text/xml", "8bit", aggregate("4"))), {}, written);
  REQUIRE(written.aggregate.size() == 4);
  CHECK(written.aggregate[3].mail.author_domain == DomainName::parse("receiver.example"));
}

TEST_CASE("what a file can grow is limited") {
  const std::string zeros = gzip(std::string(20'000'000, '0'));
  const std::string xml = aggregate("1");
  const ReportLimits small{.input_octets = 100'000, .unpacked_octets = 18'000'000};
  std::string blanks;
  for (int i = 0; i < 20'000; ++i) blanks += "<x>" + std::string(1000, ' ') + "</x>";
  std::string deep = xml;
  for (int i = 0; i < 4; ++i) deep = gzip(deep);
  std::string encoded = gzip(xml);
  for (int i = 0; i < 8; ++i) encoded = gzip(base64(encoded));
  const struct {
    const char* why;
    std::string octets;
    std::string outcomes;
  } rows[] = {
      {"the file", std::string(100'001, ' ') + xml, "rejected: it has more than 100000 octets"},
      {"zeros, of which no report is made", zeros, "rejected: it is neither a report nor a mail"},
      {"blanks between the elements of a report", gzip("<feedback>" + blanks),
       "rejected aggregate: it unpacks to more than is allowed"},
      {"gzip in gzip", deep, "rejected: archives are nested too deeply in it"},
      {"base64 in it too", encoded, "rejected: archives are nested too deeply in it"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    WrittenReports written;
    CHECK(outcomes(read_reports(row.octets, small, written)) == row.outcomes);
  }
}

TEST_CASE("what one report counts is a number that can be added up") {
  // Two messages in each of its two records; five sessions, and two that failed.
  const std::string record =
      "<record><row><source_ip>192.0.2.1</source_ip><count>2</count></row></record>";
  std::string twice = aggregate("1");
  twice.insert(twice.find("<record>"), record);
  std::string details = kTls;
  details.replace(
      details.find("\"summary\""), 0,
      R"("failure-details": [{"result-type": "sts-policy-fetch-error", "failed-session-count": 4}], )");
  const struct {
    const char* why;
    std::string octets;
    std::uint64_t most;
    std::string outcomes;
  } rows[] = {
      {"as many", twice, 4, "stored aggregate 1 example.org x4"},
      {"one more", twice, 3, "rejected aggregate 1 example.org x2: it counts more than 3 messages"},
      {"in one record", twice, 1, "rejected aggregate: record 1 has no sensible count"},
      {"as many sessions", kTls, 7, "stored smtp-tls t example.org x7"},
      {"one more session", kTls, 6,
       "rejected smtp-tls t example.org x7: it counts more than 6 sessions"},
      {"failures that the summary does not count", details, 8,
       "rejected smtp-tls t example.org x7: it counts more than 8 sessions"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    WrittenReports written;
    CHECK(outcomes(read_reports(row.octets, {.messages = row.most}, written)) == row.outcomes);
  }
}

TEST_CASE("failure and TLS reports are dated, too") {
  WrittenReports written;
  const ReportLimits then{.latest_end = 1459555198};
  CHECK(outcomes(read_reports(kTls, then, written)) ==
        "rejected smtp-tls t example.org x7: its period ends in the future");
  CHECK(outcomes(read_reports(failure_mail(""), then, written)) ==
        "rejected failure <2@r> example.org x4: its message came in the future");
  CHECK(written.tls.empty());
  CHECK(written.failures.empty());
}
