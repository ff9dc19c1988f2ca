#include <string>
#include <vector>

#include <authmilter/report_sending.h>

#include <doctest/doctest.h>

#include "lib/report_sending/memory_store.h"
#include "lib/report_sending/sample_rows.h"

using namespace authmilter;

namespace {

const std::string kId = "example.com.20261128.0123456789abcdef@mx.example.org";

/// As Postfix writes it: with the whole report that came back, itself a mail with a report in it.
std::string bounce(const std::string& recipients, const std::string& original) {
  return "From: MAILER-DAEMON@mx.example.org\r\nTo: dmarc@example.org\r\nMIME-Version: 1.0\r\n"
         "Subject: Undelivered Mail Returned to Sender\r\n"
         "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n"
         "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n"
         "--b\r\nContent-Description: Delivery report\r\nContent-Type: "
         "message/delivery-status\r\n\r\n"
         "Reporting-MTA: dns; mx.example.org\r\nX-Postfix-Queue-ID: 4Xk2\r\n" +
         recipients + "--b\r\n" + original + "\r\n--b--\r\n";
}
std::string recipient(const std::string& address, const std::string& action,
                      const std::string& more = "") {
  return "\r\nFinal-Recipient: rfc822; " + address + "\r\n" + more + "Action: " + action +
         "\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such\r\n user here\r\n";
}
std::string attached(const std::string& id) {
  return "Content-Type: message/rfc822\r\n\r\nFrom: dmarc@example.org\r\nMessage-ID: <" + id +
         ">\r\nSubject: Report Domain: example.com\r\n\r\nbody\r\n";
}

const std::string kFailed = recipient("d@example.com", "failed");

}  // namespace

TEST_CASE("what a mail says of a report that came back (RFC 3464)") {
  const ReturnedReport failed{kId, "d@example.com", "550 5.1.1 no such user here", true};
  const auto changed = [&](auto change) {
    ReturnedReport other = failed;
    change(other);
    return other;
  };
  const struct {
    const char* why;
    std::string mail;
    std::optional<ReturnedReport> said;
  } rows[] = {
      {"with the report", bounce(kFailed, attached(kId)), failed},
      {"with its header alone",
       bounce(kFailed,
              "Content-Type: text/rfc822-headers\r\n\r\nFrom: dmarc@example.org\r\n"
              "Message-ID: <" +
                  kId + ">\r\n"),
       failed},
      {"the address that we have written to",
       bounce(recipient("x@other.net", "failed", "Original-Recipient: rfc822; d@example.com\r\n"),
              attached(kId)),
       failed},
      {"one recipient of two failed",
       bounce(recipient("e@example.com", "relayed") + kFailed, attached(kId)), failed},
      {"it is tried again", bounce(recipient("d@example.com", "delayed"), attached(kId)),
       changed([](ReturnedReport& other) { other.failed = false; })},
      {"no diagnostic",
       bounce("\r\nFinal-Recipient: rfc822; d@example.com\r\nAction: FAILED\r\nStatus: 5.0.0\r\n",
              attached(kId)),
       changed([](ReturnedReport& other) { other.reason = "5.0.0"; })},
      {"control characters are shown",
       bounce("\r\nFinal-Recipient: rfc822; d@example.com\r\nAction: failed\r\n"
              "Diagnostic-Code: smtp; 550 \x1b[2J\r\n",
              attached(kId)),
       changed([](ReturnedReport& other) { other.reason = "550 \\x1b[2J"; })},
      {"another mail of ours", bounce(kFailed, attached("x@mx.example.org")), std::nullopt},
      {"an id that is nearly one", bounce(kFailed, attached("a.20261399.0123@mx.example.org")),
       std::nullopt},
      {"without a word of the original",
       bounce(kFailed, "Content-Type: text/plain\r\n\r\nMessage-ID: <" + kId + ">\r\n"),
       std::nullopt},
      {"a report as it is", "From: a@b.net\r\nMessage-ID: <" + kId + ">\r\n\r\nbody\r\n",
       std::nullopt},
      {"a message in a message: it is about another one",
       "From: a@b.net\r\nContent-Type: message/rfc822\r\n\r\n" + bounce(kFailed, attached(kId)),
       std::nullopt},
      {"nothing", "", std::nullopt},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto said = returned_report(row.mail);
    if (said) CAPTURE(said->reason);
    CHECK(said == row.said);
  }
}

TEST_CASE("a report that came back has failed, and its destination rests") {
  const auto entry = [](const std::string& destination, SendState state,
                        const std::string& detail = "") {
    return SendEntry{
        kDay,  domain_name("example.com"), "mailto:" + destination, kId, "f", state, 1, kNight,
        detail};
  };
  const struct {
    const char* why;
    std::vector<SendEntry> sent;
    ReturnedReport returned;
    std::string bounced;  // destination
  } rows[] = {
      {"it",
       {entry("d@example.com", SendState::sent)},
       {kId, "d@example.com", "550", true},
       "mailto:d@example.com"},
      {"in other letters",
       {entry("d@example.com", SendState::sent), entry("e@x.net", SendState::sent)},
       {kId, "D@EXAMPLE.com", "550", true},
       "mailto:d@example.com"},
      {"an address that the destination asked for in its place",
       {entry("d@x.net", SendState::sent, "to new@x.net, other@x.net: 250 ok"),
        entry("e@example.com", SendState::sent, "to e@example.com")},
       {kId, "other@x.net", "550", true},
       "mailto:d@x.net"},
      {"one that nobody knows, of a report to one destination",
       {entry("d@example.com", SendState::sent)},
       {kId, "box17@inside.net", "550", true},
       "mailto:d@example.com"},
      {"of a report to two",
       {entry("d@example.com", SendState::sent), entry("e@x.net", SendState::sent)},
       {kId, "box17@inside.net", "550", true},
       ""},
      {"nobody knew whether it had arrived",
       {entry("d@example.com", SendState::sending)},
       {kId, "d@example.com", "550", true},
       "mailto:d@example.com"},
      {"not for good",
       {entry("d@example.com", SendState::sent)},
       {kId, "d@example.com", "450", false},
       ""},
      {"of another report",
       {entry("d@example.com", SendState::sent)},
       {"example.com.20261128.ffffffffffffffff@mx.example.org", "d@example.com", "550", true},
       ""},
      {"what was never sent cannot come back",
       {entry("d@example.com", SendState::planned)},
       {kId, "d@example.com", "550", true},
       ""},
      {"once",
       {entry("d@example.com", SendState::failed)},
       {kId, "d@example.com", "550", true},
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    MemoryStore store;
    store.sent = row.sent;
    REQUIRE(note_returned(store, row.returned, kNight + 60));
    REQUIRE(store.bounced.size() == (row.bounced.empty() ? 0 : 1));
    if (row.bounced.empty()) continue;
    CHECK(store.bounced[0].destination == row.bounced);
    CHECK(store.bounced[0].detail == "550");
    CHECK(std::count_if(store.sent.begin(), store.sent.end(), [&](const SendEntry& one) {
            return one.state == SendState::failed && one.destination == row.bounced;
          }) == 1);
  }
}
