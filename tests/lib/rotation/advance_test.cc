#include <authmilter/rotation.h>

#include <doctest/doctest.h>

#include <algorithm>

#include "lib/rotation/zone_story.h"

using namespace authmilter;
using namespace std::chrono_literals;
using P = Publication;

namespace {

bool happened(const std::vector<KeyEvent>& events, KeyEvent::Kind kind, const char* name) {
  return std::any_of(events.begin(), events.end(), [&](const KeyEvent& event) {
    return event.kind == kind && event.selector == selector(name);
  });
}

std::string step(ZoneStory& story, const char* name) {
  return describe_next_step(story.key(name), story.keys(), story.config);
}
bool alarm(ZoneStory& story, const char* name) {
  return needs_person(story.key(name), story.keys(), story.config);
}

/// Both records stand, and the new key has just taken over.
ZoneStory taken_over() {
  ZoneStory story({in_use("old"), made("new")});
  story.say("old", P::match);
  story.say("new", P::match);
  story.look_after(0s);
  story.go_on(2h, 1h);
  REQUIRE(story.state("new") == KeyState::active);
  return story;
}

}  // namespace

TEST_CASE("a key's whole life") {
  ZoneStory story({in_use("old"), made("new")});
  CHECK(step(story, "new") == "publish the record");
  CHECK(alarm(story, "new"));
  story.say("old", P::match);
  story.say("new", P::missing);
  story.look_after(0s);
  CHECK(story.signers() == "old");
  CHECK(step(story, "new") == "publish the record");

  story.say("new", P::match);
  story.look_after(15min);
  CHECK(step(story, "new") == "wait 2h: caches may deny the record for that long");
  CHECK_FALSE(alarm(story, "new"));
  story.go_on(2h, 30min);
  CHECK(story.state("new") == KeyState::active);
  CHECK(story.state("old") == KeyState::retiring);
  CHECK(story.signers() == "old new");
  CHECK(step(story, "old") == "wait: signs beside its successor");
  CHECK(step(story, "new") == "nothing");

  story.go_on(3 * 24h, 1h);
  CHECK(story.signers() == "new");
  CHECK(step(story, "old") == "wait 7d: mail under way needs the record");
  story.go_on(6 * 24h + 1h, 1h);
  CHECK(story.state("old") == KeyState::retiring);
  story.go_on(2h, 1h);
  CHECK(story.state("old") == KeyState::retired);
  CHECK(step(story, "old") == "publish the record with an empty p=");
  CHECK(alarm(story, "old"));

  story.say("old", they_say({P::revoked, P::match, P::revoked}));
  story.look_after(1h);
  CHECK(step(story, "old") == "publish the record with an empty p=");
  story.say("old", P::revoked);
  story.look_after(1h);
  CHECK(step(story, "old") == "wait 2h: caches may have the old record for that long");
  story.go_on(2h, 1h);
  CHECK(step(story, "old") == "remove the record");
  story.say("old", P::missing);
  story.look_after(1h);
  CHECK(step(story, "old") == "authmilter key retire example.org old");
  CHECK(story.signers() == "new");
}

TEST_CASE("a record that is deleted by hand") {
  SUBCASE("the new one, while both sign: the old key goes on alone") {
    ZoneStory story = taken_over();
    REQUIRE(story.signers() == "old new");
    story.say("new", P::missing);
    CHECK(happened(story.look_after(10min), KeyEvent::Kind::record_lost, "new"));
    CHECK(story.signers() == "old");
    CHECK(alarm(story, "new"));
    CHECK(step(story, "new") == "publish the record again: an older key signs meanwhile");
  }
  SUBCASE("the old one, while both sign: the new key goes on alone") {
    ZoneStory story = taken_over();
    story.say("old", P::missing);
    story.look_after(10min);
    CHECK(story.signers() == "new");
    CHECK(alarm(story, "old"));
    CHECK(step(story, "old") == "publish the record again: mail under way needs it");
  }
  SUBCASE("the new one, when it signs alone: the old key signs again") {
    ZoneStory story = taken_over();
    story.go_on(4 * 24h, 1h);
    REQUIRE(story.signers() == "new");
    story.say("new", they_say({P::match, P::missing, P::match}));
    CHECK(happened(story.look_after(10min), KeyEvent::Kind::fallback, "old"));
    CHECK(story.signers() == "old");
    // And is not retired while it does.
    story.go_on(30 * 24h, 6h);
    CHECK(story.state("old") == KeyState::retiring);
    CHECK(story.signers() == "old");

    story.say("new", P::match);
    story.look_after(10min);
    CHECK(story.signers() == "old");  // caches may deny the new one yet
    story.go_on(1h, 30min);
    CHECK(alarm(story, "new"));
    story.go_on(1h, 30min);
    CHECK(story.signers() == "new");
    CHECK_FALSE(alarm(story, "new"));
    // What it has signed meanwhile has its time in queues too.
    story.go_on(6 * 24h, 6h);
    CHECK(story.state("old") == KeyState::retiring);
    story.go_on(24h, 1h);
    CHECK(story.state("old") == KeyState::retired);
  }
  SUBCASE("one that differs is no better") {
    ZoneStory story = taken_over();
    story.say("new", they_say({P::differs, P::differs, P::temperror}));
    story.look_after(10min);
    CHECK(story.signers() == "old");
  }
  SUBCASE("no answer changes nothing") {
    ZoneStory story = taken_over();
    story.go_on(4 * 24h, 1h);
    story.say("new", P::temperror);
    story.say("old", P::temperror);
    CHECK(story.look_after(10min).empty());
    CHECK(story.signers() == "new");
    CHECK_FALSE(story.key("new").lost);
  }
  SUBCASE("both: the newest goes on, for nothing better is there") {
    ZoneStory story = taken_over();
    story.say("new", P::missing);
    story.say("old", P::missing);
    story.look_after(10min);
    CHECK(story.signers() == "new");
    CHECK(step(story, "new") == "publish the record again: no other key's record stands");
  }
  SUBCASE("a pending key does not fill the gap before its time") {
    ZoneStory story({in_use("old"), made("new")});
    story.say("old", P::missing);
    story.say("new", P::match);
    story.look_after(0s);
    CHECK(story.signers() == "old");
    story.go_on(2h, 1h);
    CHECK(story.signers() == "new");
  }
}

TEST_CASE("a key that somebody still signs with is not retired") {
  ZoneStory story = taken_over();
  story.config.overlap = 0s;
  story.look_after(1h);
  REQUIRE(story.signers() == "new");
  for (int day = 0; day < 20; ++day) {
    story.key("old").last_used = story.now() / 86400;
    story.go_on(24h, 6h);
  }
  CHECK(story.state("old") == KeyState::retiring);
  story.go_on(8 * 24h, 6h);
  CHECK(story.state("old") == KeyState::retired);
}

TEST_CASE("a status says who signs with a key that should be quiet") {
  ZoneStory story = taken_over();
  story.go_on(4 * 24h, 6h);
  CHECK(step(story, "old").starts_with("wait"));
  for (int day = 0; day < 3; ++day) {
    story.key("old").last_used = story.now() / 86400;
    story.go_on(24h, 6h);
  }
  CHECK(step(story, "old") == "find who signs with it yet, another host perhaps: last on " +
                                  print_utc(story.key("old").last_used * 86400).substr(0, 10));
  CHECK(alarm(story, "old"));
  story.go_on(3 * 24h, 6h);
  CHECK(step(story, "old").starts_with("wait"));
  CHECK_FALSE(alarm(story, "old"));
  story.key("old").last_used = 29000;
  CHECK(
      step(story, "old") ==
      "mend last_used in its state and in the .used files beside it: 2049-05-26 is in the future");
  CHECK(alarm(story, "old"));
}

TEST_CASE("a record for testing is said to be one (RFC 6376 section 3.6.1)") {
  ZoneStory story({in_use("old"), made("new")});
  Observation testing = all_say(P::match);
  testing.testing = true;
  story.say("old", P::match);
  story.say("new", testing);
  story.look_after(0s);
  CHECK(step(story, "new") ==
        "wait 2h: caches may deny the record for that long (testing: the record has t=y)");
  CHECK(step(story, "old") == "nothing");
}

TEST_CASE("a kind of key is given up") {
  const auto both = [] {
    ZoneStory story({in_use("r"), in_use("e", KeyType::ed25519)});
    story.say("r", P::match);
    story.say("e", P::match);
    story.look_after(0s);
    story.go_on(2h, 1h);
    return story;
  };
  const auto go_away = [](ZoneStory& story) {
    CHECK(story.signers() == "r");
    CHECK(story.state("e") == KeyState::retiring);
    // Its record may go at once: the other kind's signature stands beside it.
    story.say("e", P::missing);
    story.look_after(1h);
    CHECK_FALSE(alarm(story, "e"));
    CHECK(story.signers() == "r");
    story.go_on(7 * 24h, 6h);
    CHECK(story.state("e") == KeyState::retired);
    CHECK(step(story, "e") == "authmilter key retire example.org e");
  };
  SUBCASE("by a word that says so") {
    ZoneStory story = both();
    CHECK_FALSE(make_way(story.keys(), selector("e"), story.now(), story.config));
    const auto less = make_way(story.keys(), selector("e"), story.now(), story.config,
                               LastOfItsKind::is_given_up);
    REQUIRE(less);
    story.replace(*less);
    story.look_after(1h);
    go_away(story);
  }
  SUBCASE("by taking it out of the configuration") {
    ZoneStory story = both();
    const Advance step =
        without_removed({story.keys(), {}}, {selector("r")}, story.now(), story.config);
    CHECK(happened(step.events, KeyEvent::Kind::retiring, "e"));
    story.replace(step.keys);
    story.look_after(1h);
    go_away(story);
  }
  SUBCASE("not where nothing else stands") {
    ZoneStory story = both();
    story.say("r", P::missing);
    story.look_after(1h);
    CHECK_FALSE(make_way(story.keys(), selector("e"), story.now(), story.config,
                         LastOfItsKind::is_given_up));
    const Advance step =
        without_removed({story.keys(), {}}, {selector("r")}, story.now(), story.config);
    CHECK(step.events.empty());
    CHECK(step.keys == story.keys());
  }
}

TEST_CASE("kinds of key change together, or each when it is ready") {
  for (const bool together : {true, false}) {
    CAPTURE(together);
    ZoneStory story(
        {in_use("r1"), in_use("e1", KeyType::ed25519), made("r2"), made("e2", KeyType::ed25519)});
    story.config.together = together;
    for (const char* name : {"r1", "e1", "r2"}) story.say(name, P::match);
    story.say("e2", P::missing);
    story.look_after(0s);
    story.go_on(2h, 1h);
    CHECK(story.state("r2") == (together ? KeyState::pending : KeyState::active));
    CHECK(story.state("e2") == KeyState::pending);
    story.say("e2", P::match);
    story.look_after(0s);
    story.go_on(2h, 1h);
    CHECK(story.state("r2") == KeyState::active);
    CHECK(story.state("e2") == KeyState::active);
    CHECK(story.state("r1") == KeyState::retiring);
    CHECK(story.state("e1") == KeyState::retiring);
  }
}

TEST_CASE("a key of a kind that is not changed stays") {
  ZoneStory story({in_use("r1"), in_use("e1", KeyType::ed25519), made("r2")});
  for (const char* name : {"r1", "e1", "r2"}) story.say(name, P::match);
  story.look_after(0s);
  story.go_on(2h, 1h);
  CHECK(story.state("r2") == KeyState::active);
  CHECK(story.state("e1") == KeyState::active);
  CHECK(story.signers() == "r1 e1 r2");
}

TEST_CASE("the names of a ring come again") {
  const std::vector<std::string> ring = {"r1", "r2", "r3"};
  DomainKeys keys{domain("example.org"), {}, {in_use("r1")}};
  CHECK(ring_selector(ring, keys)->text() == "r2");
  keys.keys.push_back(made("r2"));
  CHECK(ring_selector(ring, keys)->text() == "r3");
  keys.keys.push_back(in_use("r3"));
  CHECK_FALSE(ring_selector(ring, keys));
  KeyLife& first = keys.keys.front();
  first.state = KeyState::retired;
  first.published = P::match;
  CHECK_FALSE(ring_selector(ring, keys));  // its old record stands
  first.published = P::revoked;
  CHECK(ring_selector(ring, keys)->text() == "r1");
  keys.keys[1].state = KeyState::retired;
  keys.keys[1].published = P::missing;
  first.state = KeyState::active;
  first.since = ZoneStory::kStart + 1;
  CHECK(ring_selector(ring, keys)->text() == "r2");  // behind the one that came last
}

TEST_CASE("dated selectors") {
  const struct {
    const char* pattern;
    std::vector<Selector> taken;
    const char* selector;  // empty: refused
  } rows[] = {
      {"am%Y%m", {}, "am202611"},
      {"k%y%m%d", {}, "k261129"},
      {"%Y-%m", {}, "2026-11"},
      {"am%Y%m", {selector("am202611")}, "am202611b"},
      {"am%Y%m", {selector("am202611"), selector("am202611b")}, "am202611c"},
      {"fixed", {}, "fixed"},
      {"am%H", {}, ""},
      {"am%", {}, ""},
      {"a m", {}, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.pattern);
    const auto chosen = dated_selector(row.pattern, 1'795'910'400, row.taken);  // 2026-11-29
    CHECK((chosen ? chosen->text() : "") == row.selector);
  }
}

TEST_CASE("a retired key's record is gone when nobody has had it for long enough") {
  const struct {
    const char* why;
    std::vector<Publication> voices;
    bool gone;
  } rows[] = {
      {"nobody has it", {Publication::missing, Publication::missing}, true},
      {"empty at one", {Publication::revoked, Publication::missing}, true},
      {"one has it yet", {Publication::missing, Publication::match}, false},
      {"another record", {Publication::missing, Publication::differs}, false},
      {"one does not answer", {Publication::missing, Publication::temperror}, false},
      {"nobody was asked", {}, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    KeyLife old = in_use("old");
    old.state = KeyState::retired;
    ZoneStory story({old, in_use("new")});
    story.say("new", Publication::match);
    story.say("old", Publication::match);
    story.look_after(0s);
    story.say("old", they_say(row.voices));
    story.look_after(1h);
    CHECK_FALSE(story.key("old").gone_for_good());
    story.go_on(24h, 6h);
    CHECK(story.key("old").gone_for_good() == row.gone);
    story.say("old", Publication::match);
    story.look_after(1h);
    CHECK_FALSE(story.key("old").gone_for_good());
    CHECK(step(story, "old") == "publish the record with an empty p=");
  }
}
