#include <authmilter/failure_report_mail.h>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "support/written_reports.h"

using namespace authmilter;

namespace {

FailureReport report() {
  return {
      .user_agent = "authmilter/1",
      .auth_failure = AuthFailure::dmarc,
      .identity_alignment = IdentityAlignment{true, true},
      .delivery_result = DeliveryResult::reject,
      .reported_domain = DomainName::parse("example.org"),
      .source_ip = IpAddress::parse("192.0.2.1"),
      .arrival_date = 1744060569,
      .incidents = 3,
      .original_mail_from = "jane.doe@example.org",
      .original_rcpt_to = "joe@receiver.example",
      .authentication_results = "mx.receiver.example; dmarc=fail header.from=example.org",
      .dkim_domain = "example.org",
      .dkim_identity = "jane.doe@example.org",
      .dkim_selector = "s",
      .spf_dns = "txt : example.org : \"v=spf1 -all\"",
      .original_header =
          "Received: from x by y for <joe@receiver.example>\n"
          "From: \"Jane Doe\" <jane.doe@example.org>\n"
          "To: joe@receiver.example\nSubject: see HTTPS://evil.example/ to joe@receiver.example\n"
          "Message-ID: <secret@example.org>\n"
          "DKIM-Signature: v=1; i=jane.doe@example.org;\n d=example.org\n"};
}

const ReportMailHeader kHeader{
    "dmarc@receiver.example", {"ruf@example.org"}, "A failure", "1@receiver.example", 0};

}  // namespace

TEST_CASE("redaction (RFC 6590 section 3)") {
  const std::string one = redaction("jane.doe", "key");
  CHECK(one.size() == 16);
  CHECK(one == redaction("jane.doe", "key"));
  CHECK(one != redaction("jane.doe", "other key"));
  CHECK(one != redaction("joe", "key"));

  const struct {
    const char* text;
    const char* domains;
  } texts[] = {
      {"spf=fail smtp.mailfrom=jane.doe@example.org", "spf=fail smtp.mailfrom=@example.org"},
      {"dkim=pass header.i=joe@example.org (i=joe@example.org)",
       "dkim=pass header.i=@example.org (i=@example.org)"},
      {"a return path is one local part: jane=example.org@list.example",
       "a return path is one local part: @list.example"},
  };
  for (const auto& row : texts) CHECK(domains_only(row.text) == row.domains);

  const FailureReport clean = redacted(report(), "key");
  CHECK(clean.original_mail_from == one + "@example.org");
  CHECK(clean.original_rcpt_to == redaction("joe", "key") + "@receiver.example");
  CHECK(clean.dkim_identity == one + "@example.org");
  CHECK(clean.authentication_results == report().authentication_results);
  CHECK(clean.original_header ==
        "From: <" + one + "@example.org>\nSubject: see hxxpS://evil.example/ to " +
            redaction("joe", "key") + "@receiver.example\nMessage-ID: <" +
            redaction("secret", "key") + "@example.org>\nDKIM-Signature: v=1; i=" + one +
            "@example.org; d=example.org\n");

  const struct {
    const char* why;
    const char* mail_from;
    std::string redacted;
  } rows[] = {
      {"null", "", ""},
      {"no local part", "@example.org", "@example.org"},
      {"a quoted one", "\"jane doe\"@example.org",
       redaction("\"jane doe\"", "key") + "@example.org"},
      {"with a quote in it", "\"jane \\\"doe\"@example.org",
       redaction("\"jane \\\"doe\"", "key") + "@example.org"},
      {"an unfinished quote", "x\"@example.org", redaction("x\"", "key") + "@example.org"},
      {"UTF-8", "j\xc3\xa4ne@example.org", redaction("j\xc3\xa4ne", "key") + "@example.org"},
      {"two", "a@b@example.org",
       redaction("a", "key") + "@" + redaction("b", "key") + "@example.org"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    FailureReport with = report();
    with.original_mail_from = row.mail_from;
    CHECK(redacted(with, "key").original_mail_from == row.redacted);
  }
}

TEST_CASE("what is encoded does not go around redaction") {
  const struct {
    const char* why;
    const char* header;
    const char* redacted;
  } rows[] = {
      {"RFC 2047 hides an address in a subject",
       "Subject: to =?utf-8?q?joe=40receiver.example?=\nDate: today\n", "Date: today\n"},
      {"a list's name, too",
       "List-Id: =?utf-8?b?am9lQHJlY2VpdmVyLmV4YW1wbGU=?= <l.example>\nDate: today\n",
       "Date: today\n"},
      {"RFC 6376 section 3.5, z: copies of fields",
       "DKIM-Signature: v=1; d=example.org; z=To:joe=40receiver.example|\n Subject:=20secret; "
       "s=k\n",
       "DKIM-Signature: v=1; d=example.org; s=k\n"},
      {"the last tag", "DKIM-Signature: v=1; d=example.org;\n z = To:joe=40receiver.example\n",
       "DKIM-Signature: v=1; d=example.org\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    FailureReport with = report();
    with.original_header = row.header;
    CHECK(redacted(with, "key").original_header == row.redacted);
  }
  FailureReport with = report();
  with.original_subject = "=?utf-8?q?joe=40receiver.example?=";
  CHECK(redacted(with, "key").original_subject.empty());
}

TEST_CASE("the mail of a failure report is read back the same") {
  const FailureReport sent = redacted(report(), "key");
  const auto mail = failure_report_mail(kHeader, sent);
  REQUIRE(mail);
  CHECK(mail->find("Jane") == std::string::npos);
  CHECK(mail->find("joe@") == std::string::npos);
  for (const std::string_view line :
       {"Feedback-Type: auth-failure\r\n", "Version: 1\r\n", "Auth-Failure: dmarc\r\n",
        "Identity-Alignment: dkim, spf\r\n", "Delivery-Result: reject\r\n", "Incidents: 3\r\n"}) {
    CAPTURE(line);
    CHECK(mail->find(line) != std::string::npos);
  }
  WrittenReports written;
  const auto outcomes = read_reports(*mail, {}, written);
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].reason == "");
  REQUIRE(written.failures.size() == 1);
  FailureReport expected = sent;
  const FailureReport& found = written.failures[0];
  expected.original_from = found.original_from;
  expected.original_subject = found.original_subject;
  expected.original_message_id = found.original_message_id;
  expected.original_header = found.original_header;
  CHECK(found == expected);
  CHECK(found.original_from == "<" + redaction("jane.doe", "key") + "@example.org>");
}

TEST_CASE("what a message says cannot end the part or make a field") {
  FailureReport hostile = report();
  hostile.original_mail_from = "a\r\nSource-IP: 198.51.100.1\r\n\r\n--=_failure--@example.org";
  hostile.dkim_selector = std::string(2000, 'x');
  hostile.spf_dns = "\xff\x01";
  hostile.original_header = "From: a@example.org\n--=_failure--\nX: \r\n\r\ny\nSubject: \xc3\xa4\n";
  const auto mail = failure_report_mail(kHeader, hostile);
  REQUIRE(mail);
  std::string_view rest = *mail;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    REQUIRE(end <= 998);
    rest.remove_prefix(end + 2);
  }
  WrittenReports written;
  read_reports(*mail, {}, written);
  REQUIRE(written.failures.size() == 1);
  CHECK(written.failures[0].source_ip == IpAddress::parse("192.0.2.1"));
  CHECK(written.failures[0].original_subject == "??");
}
