#include "reports/failure_reader.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace authmilter;

TEST_CASE("the parts of a failure report (RFC 6591 section 3, RFC 9991 section 4)") {
  const std::string_view part =
      "Feedback-Type: auth-failure\r\nUser-Agent: Filter/1.0\r\nVersion: 1\r\nAuth-Failure: "
      "dmarc\r\n"
      "Identity-Alignment: dkim, SPF\r\nDelivery-Result: reject\r\nReported-Domain: Example.ORG\r\n"
      "Source-IP: 192.0.2.1\r\nArrival-Date: Mon, 7 Apr 2025 23:16:09 +0200 (CEST)\r\nIncidents: "
      "3\r\n"
      "Original-Envelope-Id: abc\r\nOriginal-Mail-From: <user@example.org>\r\nOriginal-Rcpt-To: "
      "<redacted@b.example>\r\n"
      "Authentication-Results: mx.b.example;\r\n dmarc=fail header.from=example.org\r\n"
      "DKIM-Domain: example.org\r\nDKIM-Identity: @example.org\r\nDKIM-Selector: s\r\n"
      "DKIM-Canonicalized-Header: ZnJvbTp4\r\n DQpzdWJqZWN0Onk=\r\nSPF-DNS: txt : example.org : "
      "\"v=spf1 -all\"\r\n";
  const std::string_view original =
      "From: <script>@example.org\r\nSubject: Pay\r\n now\r\nMessage-Id: "
      "<1@example.org>\r\n\r\nbody";
  const auto report = read_failure_report(part, original);
  REQUIRE(report);
  const FailureReport expected{
      .user_agent = "Filter/1.0",
      .auth_failure = AuthFailure::dmarc,
      .identity_alignment = IdentityAlignment{true, true},
      .delivery_result = DeliveryResult::reject,
      .reported_domain = DomainName::parse("example.org"),
      .source_ip = IpAddress::parse("192.0.2.1"),
      .arrival_date = 1744060569,
      .incidents = 3,
      .original_envelope_id = "abc",
      .original_mail_from = "user@example.org",
      .original_rcpt_to = "redacted@b.example",
      .authentication_results = "mx.b.example; dmarc=fail header.from=example.org",
      .dkim_domain = "example.org",
      .dkim_identity = "@example.org",
      .dkim_selector = "s",
      .dkim_canonicalized_header = "from:x  subject:y",
      .spf_dns = "txt : example.org : \"v=spf1 -all\"",
      .original_header =
          "From: <script>@example.org\nSubject: Pay\n now\n"
          "Message-Id: <1@example.org>\n",
      .original_from = "<script>@example.org",
      .original_subject = "Pay now",
      .original_message_id = "<1@example.org>"};
  CHECK(*report == expected);
}

TEST_CASE("fields of failure reports, one by one") {
  const auto read = [](std::string_view fields) {
    const auto report = read_failure_report(
        "Feedback-Type: auth-failure\nReported-Domain: example.org\n" + std::string(fields), "");
    REQUIRE(report);
    return *report;
  };
  CHECK(read("Identity-Alignment: none\n").identity_alignment == IdentityAlignment{});
  CHECK(read("Identity-Alignment: spf\n").identity_alignment == IdentityAlignment{false, true});
  CHECK(!read("Identity-Alignment: arc\n").identity_alignment);
  CHECK(!read("").identity_alignment);
  CHECK(read("Auth-Failure: BodyHash\n").auth_failure == AuthFailure::bodyhash);
  CHECK(!read("Auth-Failure: arc\n").auth_failure);
  CHECK(read("Incidents: -3\n").incidents == 1);
  CHECK(read("Incidents: 99999999999999999999\n").incidents == 1);
  CHECK(read("Incidents: 0\n").incidents == 1);
  CHECK(read("Original-Mail-From: <>\n").original_mail_from.empty());
  CHECK(read("Reported-Domain: other.example\n").reported_domain ==
        DomainName::parse("example.org"));
  CHECK(!read("Arrival-Date: yesterday\n").arrival_date);
  CHECK(read("feedback-type: x\nSOURCE-IP: 2001:db8::1\n").source_ip ==
        IpAddress::parse("2001:db8::1"));
  CHECK(read("DKIM-Canonicalized-Body: ****\n").dkim_canonicalized_body.empty());
}

TEST_CASE("what is none") {
  CHECK(is_feedback_report("User-Agent: x\nFeedback-Type: abuse\n"));
  CHECK(!is_feedback_report("Hello,\n\nFeedback-Type: abuse\n"));
  CHECK(!is_feedback_report(""));
  const auto error = [](std::string_view part) {
    const auto report = read_failure_report(part, "");
    return report ? "" : report.error().message;
  };
  CHECK(error("Feedback-Type: abuse\n") == "it is a feedback report of another type: abuse");
  CHECK(error("Feedback-Type: auth-failure\n") == "the failure report says nothing of the message");
}

TEST_CASE("a failure report that is a text for people only") {
  const auto report = read_failure_text(
      "A message claiming to be from you has failed the published DMARC policy for your domain.\n\n"
      "  Sender Domain: example.com\n  Sender IP Address: 203.0.113.68\n"
      "  Received date: Mon, 07 Apr 2025 23:16:09 +0200\n  SPF Alignment: no\n  DKIM Alignment: "
      "yes\n\n"
      "------ This is a copy of the headers that were received before the error was detected.\n\n"
      "From: <user@example.com>\nSubject: Payment\n");
  REQUIRE(report);
  CHECK(report->reported_domain == DomainName::parse("example.com"));
  CHECK(report->source_ip == IpAddress::parse("203.0.113.68"));
  CHECK(report->arrival_date == 1744060569);
  CHECK(report->identity_alignment == IdentityAlignment{false, true});
  CHECK(report->original_from == "<user@example.com>");
  CHECK(report->original_subject == "Payment");
  CHECK(!read_failure_text("A message claiming to be from you has failed."));
  CHECK(!read_failure_text("Dear friend,\n  Sender Domain: example.com\n"));
}
