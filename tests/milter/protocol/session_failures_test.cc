#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "milter/protocol/session_fixture.h"

using namespace authmilter;
using namespace authmilter::session_test;

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
