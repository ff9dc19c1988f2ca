#include <authmilter/report_store.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/store/stores.h"

namespace authmilter {
namespace {

using namespace store_test;
using namespace std::chrono_literals;

SendEntry entry(const std::string& domain, const std::string& destination, const std::string& id) {
  return {.day = 20'000,
          .policy_domain = *DomainName::parse(domain),
          .destination = "mailto:" + destination,
          .report_id = id,
          .file_name = "mx.example!" + domain + "!1!2.xml.gz",
          .changed = 100};
}

}  // namespace

TEST_CASE("a plan that is made again has the Report-ID and the file name of the first") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    const auto first = store->plan(std::vector{entry("example.org", "a@example.org", "id-1"),
                                               entry("example.org", "b@example.net", "id-2")});
    REQUIRE(first);
    CHECK(first->size() == 2);
    SendEntry renamed = entry("example.org", "a@example.org", "id-1");
    renamed.file_name = "mx.example!example.org!1!2!9.xml.gz";
    const auto again =
        place.open()->plan(std::vector{renamed, entry("example.net", "a@example.org", "id-3"),
                                       entry("example.org", "a@example.org", "id-9")});
    REQUIRE(again);
    REQUIRE(again->size() == 3);
    CHECK((*again)[0].file_name == first->front().file_name);
    CHECK((*again)[1].file_name == "mx.example!example.net!1!2.xml.gz");
    // RFC 9990 section 3.1: one for each policy configuration, of which a day may see several.
    CHECK((*again)[2].report_id == "id-9");
    const auto all = store->sends(20'000, 20'000);
    REQUIRE(all);
    CHECK(all->size() == 4);
    const auto other_day = store->sends(20'001, 20'009);
    REQUIRE(other_day);
    CHECK(other_day->empty());
  });
}

TEST_CASE("an entry advances once from each state") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    const SendEntry planned = entry("example.org", "a@example.org", "id-1");
    REQUIRE(store->plan(std::vector{planned}));
    const struct {
      const char* why;
      SendState from, to;
      bool done;
    } steps[] = {
        {"begun", SendState::planned, SendState::sending, true},
        {"by one only", SendState::planned, SendState::sending, false},
        {"a crash leaves it here, and it is tried again", SendState::sending, SendState::sending,
         true},
        {"sent", SendState::sending, SendState::sent, true},
        {"not twice", SendState::sending, SendState::sent, false},
    };
    std::int64_t now = 1000;
    for (const auto& step : steps) {
      CAPTURE(step.why);
      const auto done = store->advance(planned, step.from, step.to, ++now, step.why);
      REQUIRE(done);
      CHECK(*done == step.done);
    }
    const auto all = store->sends(20'000, 20'000);
    REQUIRE(all);
    REQUIRE(all->size() == 1);
    CHECK(all->front().state == SendState::sent);
    CHECK(all->front().attempts == 2);
    CHECK(all->front().changed == 1004);
    CHECK(all->front().detail == "sent");
    const auto unknown = store->advance(entry("example.com", "a@example.org", "x"),
                                        SendState::planned, SendState::sent, now, "");
    REQUIRE(unknown);
    CHECK_FALSE(*unknown);
  });
}

TEST_CASE("destinations that bounce are counted and forgotten") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    REQUIRE(store->note_bounce("mailto:a@example.org", 10, "550 no such user"));
    REQUIRE(store->note_bounce("mailto:a@example.org", 20, "550 still"));
    REQUIRE(store->note_bounce("mailto:b@example.org", 15, ""));
    auto bounces = store->bounces();
    REQUIRE(bounces);
    REQUIRE(bounces->size() == 2);
    CHECK(bounces->front().times == 2);
    CHECK(bounces->front().last == 20);
    CHECK(bounces->front().detail == "550 still");
    REQUIRE(store->forget_bounces("mailto:a@example.org"));
    bounces = store->bounces();
    REQUIRE(bounces);
    CHECK(bounces->size() == 1);
  });
}

TEST_CASE("a lease has one holder") {
  on_each_engine([](StorePlace& place) {
    const auto store = place.open();
    const auto other = place.open();
    const struct {
      const char* why;
      const char* name;
      const char* holder;
      std::int64_t now;
      bool taken;
    } steps[] = {
        {"free", "send", "a", 100, true},          {"taken", "send", "b", 120, false},
        {"prolonged", "send", "a", 150, true},     {"another name", "prune", "b", 150, true},
        {"not over yet", "send", "b", 209, false}, {"over", "send", "b", 210, true},
        {"lost", "send", "a", 211, false},
        {"by a clock that was a year ahead", "leapt", "a", 31'536'000, true},
        {"another clock may be a day behind", "leapt", "b", 31'536'000 - 86'400, false},
        {"no lease is as long as that", "leapt", "b", 300, true},
        {"but those of now are leases", "leapt", "a", 310, false},
    };
    for (const auto& step : steps) {
      CAPTURE(step.why);
      const auto taken = (step.holder[0] == 'a' ? store : other)
                             ->take_lease(step.name, step.holder, step.now, 60s);
      REQUIRE(taken);
      CHECK(*taken == step.taken);
    }
    REQUIRE(store->release_lease("send", "a"));  // is not its own
    auto taken = store->take_lease("send", "a", 212, 60s);
    REQUIRE(taken);
    CHECK_FALSE(*taken);
    REQUIRE(other->release_lease("send", "b"));
    taken = store->take_lease("send", "a", 213, 60s);
    REQUIRE(taken);
    CHECK(*taken);
  });
}

}  // namespace authmilter
