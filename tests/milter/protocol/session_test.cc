#include "protocol/session.h"

#include <authmilter/crypto.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "log/detail_log.h"
#include "log/log.h"
#include "log/message_line.h"
#include "protocol/answer.h"

using namespace authmilter;

namespace {

constexpr const char* kZone = R"(
$TTL 300
example.org.         IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.org.  IN TXT "v=DMARC1; p=reject"
held.example.        IN TXT "v=spf1 -all"
_dmarc.held.example. IN TXT "v=DMARC1; p=quarantine"
)";
constexpr std::int64_t kNow = 1700000000;

using Header = std::vector<std::pair<std::string, std::string>>;

Header header_from(const std::string& domain) {
  return {{"From", " A <a@" + domain + ">"}, {"Subject", " hello"}, {"Date", " today"}};
}

struct Fixture {
  explicit Fixture(Config the_config = default_config(), const MtaFeatures& features = {})
      : runtime(std::make_shared<const Runtime>(
            std::move(the_config), std::make_shared<const KeyRing>(),
            ResolverSet{.zones =
                            make_test_resolver(kZone, {{"_dmarc.silent.example", DnsFault::timeout},
                                                       {"silent.example", DnsFault::bogus}})},
            std::make_shared<const DkimEngine>())),
        session(runtime, features, metrics) {}

  static Config default_config() {
    Config config;
    config.authserv_id = "mx.example.net";
    config.internal = {*Network::parse("127.0.0.0/8")};
    return config;
  }

  void greet(const char* client) {
    session.connect(IpAddress::parse(client));
    session.helo("client.example.net");
  }

  void content(const Header& header, const std::string& body = "Hello\r\n") {
    for (const auto& [name, value] : header) session.header(name, value);
    session.end_of_headers();
    session.body(body);
  }

  MessageRecord deliver(const std::string& mail_from, const Header& header) {
    session.mail(mail_from, "", kNow);
    session.recipient("<b@example.net>");
    content(header);
    return session.end_of_message("4Xk2");
  }

  Metrics metrics;
  std::shared_ptr<const Runtime> runtime;
  Session session;
};

std::string logged(const MessageRecord& record, std::string_view key) {
  for (const LogField& field : message_line(record)) {
    if (field.key != key) continue;
    if (const auto* text = std::get_if<std::string>(&field.value)) return *text;
    return std::to_string(std::get<std::int64_t>(field.value));
  }
  return "(none)";
}

std::size_t inserted(const MessageRecord& record, std::string_view name) {
  const auto edits = answer_to(record).edits;
  return static_cast<std::size_t>(
      std::count_if(edits.begin(), edits.end(), [&](const HeaderEdit& edit) {
        return edit.action == HeaderEdit::Action::insert && edit.name == name;
      }));
}

}  // namespace

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
  config.policy.overrides.resize(2);
  config.policy.overrides[0].author_domain = {*DomainPattern::parse("other.example")};
  config.policy.overrides[0].actions.dmarc_reject = Disposition::accept;
  config.policy.overrides[1].author_domain = {*DomainPattern::parse("example.org")};
  config.policy.overrides[1].actions.dmarc_reject = Disposition::tag;
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

TEST_CASE("where TLS is required a message does not begin without it") {
  const struct {
    std::string why;
    std::optional<IpAddress> client;
    const char* user;
    const char* version;
    Origin origin;
    unsigned code;  // 0: it begins
  } rows[] = {
      {"in the clear", IpAddress::parse("192.0.2.1"), "", "", Origin::connection, 530},
      {"too old", IpAddress::parse("192.0.2.1"), "", "TLSv1.1", Origin::connection, 550},
      {"unknown", IpAddress::parse("192.0.2.1"), "", "TLSv1/SSLv3", Origin::connection, 550},
      {"new enough", IpAddress::parse("192.0.2.1"), "", "TLSv1.2", Origin::connection, 0},
      {"another network", IpAddress::parse("198.51.100.1"), "", "", Origin::connection, 0},
      {"a user with a password", IpAddress::parse("192.0.2.1"), "alice", "", Origin::connection,
       530},
      {"an internal network", IpAddress::parse("10.0.0.1"), "", "", Origin::connection, 530},
      {"loopback, named", IpAddress::parse("127.0.0.1"), "", "", Origin::connection, 530},
      {"sendmail(1) through Postfix", IpAddress::parse("127.0.0.1"), "", "", Origin::submission, 0},
      {"sendmail(1) through Sendmail", std::nullopt, "", "", Origin::submission, 0},
  };
  for (const auto& row : rows) {
    for (const VerifyMode mode : {VerifyMode::enforce, VerifyMode::monitor}) {
      CAPTURE(row.why);
      Config config = Fixture::default_config();
      config.verify.mode = mode;
      config.internal.push_back(*Network::parse("10.0.0.0/8"));
      config.require_tls = {{{*Network::parse("192.0.2.0/24"), *Network::parse("10.0.0.0/8"),
                              *Network::parse("127.0.0.0/8")}}};
      Fixture fixture(std::move(config));
      fixture.session.connect(row.client, Mta::other, row.origin);
      fixture.session.encryption(row.version);
      const auto refused = fixture.session.mail("<a@other.example>", row.user, kNow, "4Xk2");
      const std::string tls = *row.version == '\0' ? "none" : row.version;
      const bool refusal = row.code != 0 && mode == VerifyMode::enforce;
      REQUIRE(refused.has_value() == refusal);
      if (refusal) {
        CHECK(action_on(*refused) == Disposition::reject);
        REQUIRE(answer_to(*refused).reply.has_value());
        CHECK(answer_to(*refused).reply->code == row.code);
        CHECK(logged(*refused, "id") == "4Xk2");
        CHECK(logged(*refused, "client") == row.client->text());
        CHECK(logged(*refused, "tls") == tls);
        CHECK(logged(*refused, "action") == "reject");
        CHECK(logged(*refused, "rule") == "network.require_tls");
        CHECK(fixture.metrics.messages_in_hand() == 0);
        // An MTA that goes on nevertheless gets nowhere.
        fixture.content(header_from("other.example"));
        CHECK(action_on(fixture.session.end_of_message("4Xk2")) == Disposition::tempfail);
        continue;
      }
      fixture.content(header_from("other.example"));
      const MessageRecord record = fixture.session.end_of_message("4Xk2");
      CHECK(action_on(record) == Disposition::accept);
      CHECK(logged(record, "tls") == tls);
      CHECK(logged(record, "tls_policy") == (row.code != 0 ? "reject" : "(none)"));
    }
  }
}

TEST_CASE("TLS that begins between two MAIL counts for the second, and only in its session") {
  Config config = Fixture::default_config();
  config.require_tls = {{{*Network::parse("192.0.2.0/24")}}};
  Fixture fixture(std::move(config));
  Session& session = fixture.session;
  fixture.greet("192.0.2.1");
  CHECK(session.mail("<a@example.org>", "", kNow));
  session.encryption("TLSv1.3");
  CHECK_FALSE(session.mail("<a@example.org>", "", kNow));
  session.abort();
  fixture.greet("192.0.2.1");
  CHECK(session.mail("<a@example.org>", "", kNow));
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

TEST_CASE("a failure of ours is a tempfail, whatever else was found") {
  Fixture fixture;
  fixture.greet("192.0.2.1");
  fixture.session.mail("<a@example.org>", "", kNow);
  fixture.content(header_from("example.org"));
  fixture.session.fail();
  const MessageRecord record = fixture.session.end_of_message("4Xk2");
  CHECK(action_on(record) == Disposition::tempfail);
  REQUIRE(answer_to(record).reply.has_value());
  CHECK(answer_to(record).reply->code == 451);
  CHECK(answer_to(record).edits.empty());
}

TEST_CASE("an exception at any lookup ends in a tempfail (A185)") {
  class Broken final : public Resolver {
   public:
    explicit Broken(bool at_prefetch) : at_prefetch_(at_prefetch) {}
    DnsAnswerRef resolve(const DnsQuestion&, Deadline, Freshness) override {
      throw std::runtime_error("internal");
    }
    void prefetch(const DnsQuestion&) override {
      if (at_prefetch_) throw std::runtime_error("internal");
    }

   private:
    bool at_prefetch_;
  };
  for (const bool at_prefetch : {true, false}) {
    CAPTURE(at_prefetch);
    Metrics metrics;
    Session session(std::make_shared<const Runtime>(
                        Fixture::default_config(), std::make_shared<const KeyRing>(),
                        ResolverSet{.upstream = std::make_shared<Broken>(at_prefetch)},
                        std::make_shared<const DkimEngine>()),
                    {}, metrics);
    session.connect(IpAddress::parse("192.0.2.1"));
    // The callbacks catch what these throw; the next one goes on.
    const auto mail = [&] { session.mail("<a@example.org>", "", kNow); };
    const auto end = [&] { return session.end_of_message("4Xk2"); };
    if (at_prefetch) {
      CHECK_THROWS_AS(mail(), std::runtime_error);
      session.header("From", " <a@example.org>");
      session.end_of_headers();
      CHECK(action_on(end()) == Disposition::tempfail);
    } else {
      mail();
      session.header("From", " <a@example.org>");
      session.end_of_headers();
      CHECK_THROWS_AS(end(), std::runtime_error);
    }
    CHECK(metrics.messages_in_hand() == 0);
  }
}

TEST_CASE("an end without a beginning is a tempfail") {
  Fixture fixture;
  CHECK(action_on(fixture.session.end_of_message("")) == Disposition::tempfail);
  fixture.session.abort();
  fixture.session.header("From", " a@example.org");
  fixture.session.end_of_headers();
  CHECK(fixture.session.body("x") == BodyNeed::nothing);
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

TEST_CASE("a missing end of the header changes nothing") {
  Fixture fixture;
  fixture.greet("192.0.2.1");
  fixture.session.mail("<a@example.org>", "", kNow);
  for (const auto& [name, value] : header_from("example.org")) fixture.session.header(name, value);
  CHECK(logged(fixture.session.end_of_message(""), "dmarc") == "pass");
}

TEST_CASE("a header above the limits is refused at the end") {
  Config config = Fixture::default_config();
  config.verify.limits.fields = 5;
  for (const std::size_t fields : {5U, 6U}) {
    CAPTURE(fields);
    Fixture fixture(config);
    fixture.greet("192.0.2.1");
    Header header = header_from("example.org");
    while (header.size() < fields) header.push_back({"X-Filler", " x"});
    const MessageRecord record = fixture.deliver("<a@example.org>", header);
    CHECK(action_on(record) == (fields == 5 ? Disposition::accept : Disposition::reject));
    CHECK((logged(record, "rule") == "limit.header") == (fields == 6));
  }
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

TEST_CASE("a message without an end is counted as given up, once") {
  const struct {
    std::string why;
    std::vector<std::string> steps;
    unsigned aborted;
  } rows[] = {
      {"nothing was begun", {"abort", "abort"}, 0},
      {"aborted", {"mail", "abort", "abort"}, 1},
      {"begun anew", {"mail", "mail", "end"}, 1},
      {"ended", {"mail", "end", "abort"}, 0},
      {"the connection ends", {"mail", "end", "mail"}, 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Metrics metrics;
    {
      Fixture fixture;
      Session session(fixture.runtime, {}, metrics);
      for (const std::string& step : row.steps) {
        if (step == "mail") session.mail("<a@example.org>", "", kNow);
        if (step == "abort") session.abort();
        if (step == "end") session.end_of_message("");
      }
    }
    CHECK(metrics.aborted_messages == row.aborted);
    CHECK(metrics.open_connections == 0);
  }
}
