#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "log/detail_log.h"
#include "milter/protocol/session_fixture.h"

using namespace authmilter;
using namespace authmilter::session_test;

TEST_CASE("a message is judged by its client, sender and author") {
  const struct {
    std::string why;
    const char* client;
    const char* mail_from;
    const char* author;
    Disposition action;
    const char* spf;
    const char* dmarc;
  } rows[] = {
      {"all right", "192.0.2.1", "<a@example.org>", "example.org", Disposition::accept, "pass",
       "pass"},
      {"another host", "192.0.2.2", "<a@example.org>", "example.org", Disposition::reject, "fail",
       "fail"},
      {"another author", "192.0.2.1", "<a@example.org>", "held.example", Disposition::quarantine,
       "pass", "fail"},
      {"a domain without records", "192.0.2.1", "<a@other.example>", "other.example",
       Disposition::accept, "none", "none"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Fixture fixture;
    fixture.greet(row.client);
    const MessageRecord record = fixture.deliver(row.mail_from, header_from(row.author));
    CHECK(action_on(record) == row.action);
    CHECK(logged(record, "id") == "4Xk2");
    CHECK(logged(record, "client") == row.client);
    CHECK(logged(record, "from") == row.author);
    CHECK(logged(record, "spf") == row.spf);
    CHECK(logged(record, "dkim") == "none");
    CHECK(logged(record, "dmarc") == row.dmarc);
    CHECK(logged(record, "action") == to_string(row.action));
    const bool goes_on = row.action != Disposition::reject;
    CHECK(inserted(record, "Authentication-Results") == (goes_on ? 1 : 0));
    CHECK(answer_to(record).reply.has_value() == !goes_on);
    CHECK(answer_to(record).quarantine_reason.empty() == (row.action != Disposition::quarantine));
  }
}

TEST_CASE("with log.level = \"debug\" a message's details are told, otherwise not made") {
  Config config = Fixture::default_config();
  {
    Fixture fixture(config);
    fixture.greet("192.0.2.2");
    CHECK(detail_lines(fixture.deliver("<a@example.org>", header_from("example.org")), config)
              .empty());
  }
  config.log.level = LogLevel::debug;
  std::vector<PolicyOverride> overrides(2);
  overrides[0].author_domain = {*DomainPattern::parse("other.example")};
  overrides[0].actions.dmarc_reject = Disposition::accept;
  overrides[1].author_domain = {*DomainPattern::parse("example.org")};
  overrides[1].actions.dmarc_reject = Disposition::tag;
  config.policy.overrides = overrides;
  Fixture fixture(config);
  fixture.greet("192.0.2.2");
  Header header = header_from("example.org");
  header.push_back(
      {"DKIM-Signature", " v=1; a=rsa-sha256; d=example.org; s=a\x1b; h=from; bh=; b="});
  const MessageRecord record = fixture.deliver("<a@example.org>", header);
  std::string text;
  for (const LogLine& line : detail_lines(record, config)) {
    CHECK(line.level == LogLevel::debug);
    text += format_text(line.text, line.fields) + '\n';
  }
  CAPTURE(text);
  const char* wanted[] = {
      "dns id=4Xk2 name=example.org type=TXT status=success dnssec=no waited=",
      "data=\"v=spf1 ip4:192.0.2.1 -all\"",
      "dns id=4Xk2 name=client.example.net type=TXT status=nxdomain",
      "spf term id=4Xk2 identity=mailfrom domain=example.org term=ip4:192.0.2.1 outcome=\"no "
      "match\"",
      "spf id=4Xk2 identity=mailfrom domain=example.org result=fail reason=matched mechanism=-all",
      "dkim id=4Xk2 domain=- selector=- ",
      "dmarc walk id=4Xk2 name=_dmarc.example.org outcome=record\n",
      "record=\"v=DMARC1; p=reject\" policy=reject policy_tag=p spf_aligned=no",
      "override id=4Xk2 number=1 decides=no action=reject\n",
      "override id=4Xk2 number=2 decides=yes action=tag\n",
      "decision id=4Xk2 rule=\"dmarc.reject (override 2)\" ",
  };
  for (const char* part : wanted) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("Hello") == std::string::npos);
}

TEST_CASE("the reason for holding a message stays short") {
  const std::string label(60, 'l');
  const std::string longest = label + "." + label + "." + label + ".held.example";
  Fixture fixture;
  fixture.greet("192.0.2.1");
  const MessageRecord record = fixture.deliver("<a@example.org>", header_from(longest));
  REQUIRE(action_on(record) == Disposition::quarantine);
  CHECK(answer_to(record).quarantine_reason.size() == 120);
  CHECK(answer_to(record).quarantine_reason.starts_with("dmarc fail for lll"));
  CHECK(answer_to(record).quarantine_reason.ends_with("l..."));
  CHECK(logged(record, "reason").size() > 120);
}

TEST_CASE("the log names what left a result open") {
  Fixture fixture;
  fixture.greet("192.0.2.1");
  const MessageRecord record = fixture.deliver("<a@silent.example>", header_from("silent.example"));
  CHECK(action_on(record) == Disposition::tempfail);
  REQUIRE(answer_to(record).reply);
  CHECK(answer_to(record).reply->text ==
        "DMARC policy of silent.example cannot be looked up: _dmarc.silent.example: dns-timeout; "
        "try again later");
  CHECK(logged(record, "undecided") ==
        "_dmarc.silent.example=dns-timeout,silent.example=dnssec-bogus");
  CHECK(logged(record, "reason") ==
        "dmarc temperror for silent.example: dns-timeout, _dmarc.silent.example: timeout");
  const MessageRecord decided = fixture.deliver("<a@example.org>", header_from("example.org"));
  CHECK(logged(decided, "undecided") == "(none)");
}

TEST_CASE("which client a connection can be of") {
  const struct {
    const char* connected;  // "": local submission
    const char* named;
    bool same;
  } rows[] = {
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.9", false},
      {"192.0.2.1", "127.0.0.1", false},
      {"::ffff:192.0.2.1", "192.0.2.1", true},
      {"2001:db8::1", "2001:db8:0::1", true},
      {"2001:db8::1", "192.0.2.1", false},
      {"", "127.0.0.1", true},
      {"", "::1", true},
      {"", "192.0.2.1", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.connected);
    CAPTURE(row.named);
    Fixture fixture;
    fixture.greet(row.connected);
    CHECK(fixture.session.is_client(*IpAddress::parse(row.named)) == row.same);
  }
}

TEST_CASE("where the MTA takes no quarantine the message is tagged") {
  Fixture fixture(Fixture::default_config(), {.quarantine = false});
  fixture.greet("192.0.2.1");
  const MessageRecord record = fixture.deliver("<a@example.org>", header_from("held.example"));
  CHECK(action_on(record) == Disposition::tag);
  CHECK(logged(record, "action") == "tag");
  CHECK(logged(record, "policy") == "quarantine");
  CHECK(inserted(record, "X-Authmilter-Verdict") == 1);
}

TEST_CASE("monitor mode lets a message pass and logs what the policy says") {
  Config config = Fixture::default_config();
  config.verify.mode = VerifyMode::monitor;
  Fixture fixture(std::move(config));
  fixture.greet("192.0.2.2");
  const MessageRecord record = fixture.deliver("<a@example.org>", header_from("example.org"));
  CHECK(action_on(record) == Disposition::accept);
  CHECK_FALSE(answer_to(record).reply.has_value());
  CHECK(logged(record, "policy") == "reject");
}

TEST_CASE("nothing of a message is left for the next one") {
  Fixture fixture;
  fixture.greet("192.0.2.2");
  SUBCASE("after a verdict") {
    CHECK(action_on(fixture.deliver("<a@example.org>", header_from("example.org"))) ==
          Disposition::reject);
  }
  SUBCASE("after an abort in the header") {
    fixture.session.mail("<a@example.org>", "", kNow);
    fixture.session.header("From", " a@example.org");
    fixture.session.abort();
  }
  SUBCASE("after an abort in the body, as an authenticated user") {
    fixture.session.mail("<a@example.org>", "alice", kNow);
    fixture.content(header_from("example.org"));
    fixture.session.abort();
  }
  SUBCASE("a second MAIL without an end") {
    fixture.session.mail("<a@example.org>", "alice", kNow);
    fixture.session.header("From", " a@example.org");
  }
  SUBCASE("after a failure") {
    fixture.session.mail("<a@example.org>", "", kNow);
    fixture.session.fail();
  }
  // One From field, that of the second message.
  const MessageRecord record = fixture.deliver("<a@other.example>", header_from("other.example"));
  CHECK(action_on(record) == Disposition::accept);
  CHECK(logged(record, "from") == "other.example");
  CHECK(logged(record, "user") == "(none)");
  CHECK(fixture.metrics.messages_in_hand() == 0);
}

TEST_CASE("our own mail is signed or left alone, never judged") {
  const struct {
    std::string why;
    std::optional<IpAddress> client;
    const char* user;
    bool ours;
    Origin origin = Origin::connection;
  } rows[] = {
      {"an authenticated user from anywhere", IpAddress::parse("192.0.2.2"), "alice", true},
      {"an internal network", IpAddress::parse("127.0.0.1"), "", true},
      {"mapped into IPv6", IpAddress::parse("::ffff:127.0.0.1"), "", true},
      {"local submission", std::nullopt, "", true, Origin::submission},
      {"a client that nobody knows any more", std::nullopt, "", false},
      {"127.0.0.1 is what it is, whoever submits", IpAddress::parse("127.0.0.1"), "", true,
       Origin::submission},
      {"a stranger", IpAddress::parse("192.0.2.2"), "", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Fixture fixture;
    fixture.session.connect(row.client, Mta::other, row.origin);
    fixture.session.mail("<a@example.org>", row.user, kNow);
    fixture.content(header_from("example.org"));
    const MessageRecord record = fixture.session.end_of_message("4Xk2");
    CHECK(action_on(record) == (row.ours ? Disposition::accept : Disposition::reject));
    CHECK(logged(record, "sign") == (row.ours ? "no-key" : "(none)"));
    CHECK((logged(record, "dmarc") == "(none)") == row.ours);
  }
}

TEST_CASE("the body of a message without a signature is not wanted") {
  Fixture fixture;
  fixture.greet("192.0.2.1");
  fixture.session.mail("<a@example.org>", "", kNow);
  for (const auto& [name, value] : header_from("example.org")) fixture.session.header(name, value);
  fixture.session.end_of_headers();
  CHECK(fixture.session.body("Hello\r\n") == BodyNeed::nothing);
  CHECK(action_on(fixture.session.end_of_message("")) == Disposition::accept);
}

TEST_CASE("without the leading-space option a blank is put back") {
  // simple canonicalization would see the difference; here the Subject prefix does.
  for (const bool leading_space : {true, false}) {
    CAPTURE(leading_space);
    Config config = Fixture::default_config();
    config.policy.tag_subject = "[tagged] ";
    Fixture fixture(std::move(config), {.quarantine = false, .leading_space = leading_space});
    fixture.greet("192.0.2.1");
    Header header = header_from("held.example");
    if (!leading_space) {
      for (auto& [name, value] : header) value.erase(0, 1);
    }
    const MessageRecord record = fixture.deliver("<a@example.org>", header);
    const auto edits = answer_to(record).edits;
    const auto at = std::find_if(edits.begin(), edits.end(),
                                 [](const HeaderEdit& edit) { return edit.name == "Subject"; });
    REQUIRE(at != edits.end());
    CHECK(at->value == "[tagged] hello");
  }
}

TEST_CASE("recipients that are not kept match no override") {
  // All of them have to match for the exemption of their domain.
  const struct {
    std::string why;
    int exempt;
    std::string last;
    Disposition action;
  } rows[] = {
      {"one", 0, "<b@exempt.example>", Disposition::accept},
      {"a thousand", 999, "<b@exempt.example>", Disposition::accept},
      {"one more", 1000, "<b@exempt.example>", Disposition::reject},
      {"one of another domain", 10, "<b@example.net>", Disposition::reject},
      {"behind a thousand", 5000, "<b@example.net>", Disposition::reject},
      {"too long", 1, "<" + std::string(3000, 'b') + "@exempt.example>", Disposition::reject},
  };
  for (const auto& row : rows) {
    CAPTURE(row.exempt);
    Config config = Fixture::default_config();
    PolicyOverride lenient;
    lenient.recipient = {*AddressPattern::parse("@exempt.example")};
    lenient.actions.dmarc_reject = Disposition::accept;
    config.policy.overrides = {lenient};
    Fixture fixture(std::move(config));
    fixture.greet("192.0.2.2");
    fixture.session.mail("<a@example.org>", "", kNow);
    for (int i = 0; i < row.exempt; ++i) fixture.session.recipient("<a@exempt.example>");
    fixture.session.recipient(row.last);
    fixture.content(header_from("example.org"));
    CHECK(action_on(fixture.session.end_of_message("")) == row.action);
  }
}
