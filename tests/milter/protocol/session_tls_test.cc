#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>

#include "milter/protocol/session_fixture.h"

using namespace authmilter;
using namespace authmilter::session_test;

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
      config.internal = {*Network::parse("127.0.0.0/8"), *Network::parse("10.0.0.0/8")};
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
