#include <authmilter/rotation.h>

#include <doctest/doctest.h>

#include "lib/rotation/zone_story.h"

using namespace authmilter;
using namespace std::chrono_literals;
using P = Publication;

TEST_CASE("what has passed between two looks") {
  const struct {
    const char* why;
    Moment before;
    Moment now;
    std::chrono::seconds passed;
  } rows[] = {
      {"nobody has looked before", {}, {5000, "a", 100}, 0s},
      {"the system ran on", {1000, "a", 10}, {1600, "a", 610}, 600s},
      {"the clock jumped a year ahead", {1000, "a", 10}, {1000 + 31'536'000, "a", 70}, 60s},
      {"the clock jumped back", {1'000'000, "a", 10}, {1000, "a", 70}, 60s},
      {"the system started again", {1000, "a", 5000}, {4600, "b", 20}, 0s},
      {"it started again long ago", {1000, "a", 5}, {9000, "b", 8000}, 0s},
      {"it started again with a clock of another year", {1000, "a", 5}, {99'999'999, "b", 20}, 0s},
      {"a run that is not known now", {1000, "a", 5}, {864'000, "", 500}, 0s},
      {"one that was not known then", {1000, "", 0}, {864'000, "b", 500}, 0s},
      {"it started again with a clock that is behind", {99'999'999, "a", 5}, {1000, "b", 20}, 0s},
      {"an uptime that went back is a mistake in the file", {1000, "a", 500}, {1100, "a", 20}, 0s},
      {"a time that was given is believed", {1000, "a", 5}, {1000 + 864'000, "", 0, true}, 240h},
      {"not backwards", {864'000, "", 0}, {1000, "", 0, true}, 0s},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(passed_between(row.before, row.now) == row.passed);
  }
}

TEST_CASE("a look that is newer than one that began") {
  const struct {
    const char* why;
    Moment look;
    Moment began;
    bool not_before;
  } rows[] = {
      {"in the same run, later", {1000, "a", 70}, {1000, "a", 60}, true},
      {"in the same run, earlier, whatever the clock says",
       {9000, "a", 50},
       {1000, "a", 60},
       false},
      {"in another run the clock decides", {1100, "b", 5}, {1000, "a", 60}, true},
      {"never", {}, {1000, "a", 60}, false},
      {"of simulated times", {1100, "", 0, true}, {1000, "", 0, true}, true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(not_before(row.look, row.began) == row.not_before);
  }
}

TEST_CASE("since when nobody has looked") {
  constexpr std::int64_t kNow = ZoneStory::kStart + 86400;
  const struct {
    const char* why;
    KeyLife key;
    std::int64_t since;   // of the key, from kStart
    std::int64_t looked;  // the same; 0: never
    std::int64_t unwatched;
    bool too_long;
  } rows[] = {
      {"looked at, long ago", made("new"), 0, 7200, 7200, true},
      {"looked at lately", made("new"), 0, 86000, 86000, false},
      {"never, and made long ago", made("new"), 600, 0, 600, true},
      {"never, and just made", made("new"), 86000, 0, 86000, false},
      {"a look in the future", made("new"), 0, 999'999, 999'999, true},
      {"nothing waits", in_use("old"), 0, 7200, -ZoneStory::kStart, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DomainKeys keys{domain("example.org"), {}, {row.key}};
    keys.keys[0].since = ZoneStory::kStart + row.since;
    if (row.looked != 0) keys.looked.time = ZoneStory::kStart + row.looked;
    CHECK(unwatched_since(keys) == ZoneStory::kStart + row.unwatched);
    CHECK(unwatched_too_long(keys, kNow, RotationConfig()) == row.too_long);
  }
  DomainKeys keys{domain("example.org"), {}, {made("new")}};
  keys.keys[0].since = 0;
  CHECK(unwatched_too_long(keys, kNow, RotationConfig()));
}

TEST_CASE("how long caches may say something else (RFC 2308 section 5, RFC 8198)") {
  const struct {
    const char* why;
    std::chrono::seconds ttl;
    std::chrono::seconds soa_ttl;
    std::chrono::seconds minimum;
    std::chrono::seconds time;
  } rows[] = {
      {"the record's own time to live", 2h, 10min, 10min, 2h},
      {"the denial of the name", 5min, 3h, 4h, 3h},
      {"of the SOA record's two times the shorter one", 5min, 9h, 4h, 4h},
      {"at least an hour", 60s, 60s, 60s, 1h},
      {"at most a day", 60s, 48h, 168h, 24h},
      {"an unbounded time to live neither", 168h, 60s, 60s, 24h},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Observation seen = all_say(P::match);
    seen.ttl = row.ttl;
    seen.soa_ttl = row.soa_ttl;
    seen.soa_minimum = row.minimum;
    CHECK(seen.denial_time() == row.time);
  }
}

TEST_CASE("what several voices say together") {
  const struct {
    const char* why;
    std::vector<P> voices;
    P summary;
    bool lost;
  } rows[] = {
      {"all the same", {P::match, P::match}, P::match, false},
      {"nobody", {}, P::temperror, false},
      {"one has not got it yet", {P::match, P::missing}, P::missing, true},
      {"one does not answer", {P::match, P::temperror}, P::temperror, false},
      {"what is certain counts more", {P::temperror, P::missing, P::match}, P::missing, true},
      {"another record", {P::missing, P::differs}, P::differs, true},
      {"revoked here, not yet there", {P::revoked, P::match}, P::differs, true},
      {"revoked", {P::revoked, P::revoked}, P::revoked, true},
      {"revoked, as far as is known", {P::revoked, P::temperror}, P::temperror, true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(they_say(row.voices).summary() == row.summary);
    CHECK(they_say(row.voices).lost() == row.lost);
  }
}

TEST_CASE("a pending key is used when every voice has shown its record for long enough") {
  const struct {
    const char* why;
    std::vector<P> first;   // at the first look
    std::vector<P> second;  // half of the time later
    std::vector<P> third;   // when it is over
    KeyState state;
  } rows[] = {
      {"stands all the time",
       {P::match, P::match, P::match},
       {P::match, P::match, P::match},
       {P::match, P::match, P::match},
       KeyState::active},
      {"a lagging secondary gets it late",
       {P::match, P::missing, P::match},
       {P::match, P::match, P::match},
       {P::match, P::match, P::match},
       KeyState::pending},
      {"the resolver sees it late",
       {P::match, P::match, P::missing},
       {P::match, P::match, P::match},
       {P::match, P::match, P::match},
       KeyState::pending},
      {"was away in between",
       {P::match, P::match, P::match},
       {P::match, P::missing, P::match},
       {P::match, P::match, P::match},
       KeyState::pending},
      {"another record in between",
       {P::match, P::match, P::match},
       {P::differs, P::match, P::match},
       {P::match, P::match, P::match},
       KeyState::pending},
      {"a time that nobody saw does not count",
       {P::match, P::match, P::match},
       {P::match, P::temperror, P::match},
       {P::match, P::match, P::match},
       KeyState::pending},
      {"not seen at the last moment",
       {P::match, P::match, P::match},
       {P::match, P::match, P::match},
       {P::match, P::match, P::temperror},
       KeyState::pending},
      {"never published",
       {P::missing, P::missing, P::missing},
       {P::missing, P::missing, P::missing},
       {P::missing, P::missing, P::missing},
       KeyState::pending},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ZoneStory story({in_use("old"), made("new")});
    story.say("old", P::match);
    story.say("new", they_say(row.first));
    story.look_after(0s);
    story.say("new", they_say(row.second));
    story.look_after(1h);
    story.say("new", they_say(row.third));
    story.look_after(1h);
    CHECK(story.state("new") == row.state);
    CHECK(story.state("old") ==
          (row.state == KeyState::active ? KeyState::retiring : KeyState::active));
    CHECK(story.key("old").signs);
  }
}

TEST_CASE("a clock that jumps makes nothing happen early") {
  const struct {
    const char* why;
    std::chrono::seconds jump;
  } rows[] = {{"ten years ahead", 24h * 3650}, {"ten years back", -24h * 3650}};
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ZoneStory story({in_use("old"), made("new")});
    story.say("old", P::match);
    story.say("new", P::match);
    story.look_after(0s);
    story.clock_jumps(row.jump);
    story.look_after(15min);
    CHECK(story.state("new") == KeyState::pending);
    story.go_on(2h, 15min);
    CHECK(story.state("new") == KeyState::active);
    story.clock_jumps(row.jump);
    story.go_on(8 * 24h, 1h);
    CHECK(story.state("old") == KeyState::retiring);
    // Nor does it make it wait for ever: three days beside each other, six in queues, the TTL.
    story.go_on(26h, 1h);
    CHECK(story.state("old") == KeyState::retired);
  }
}

TEST_CASE("a look without an answer counts no time, and what was counted stays") {
  ZoneStory story({in_use("old"), made("new")});
  story.say("old", P::match);
  story.say("new", P::match);
  story.look_after(0s);
  // Of each hour the last look has no answer from one server: half of the time is not counted.
  for (int hour = 0; hour < 3; ++hour) {
    CHECK(story.state("new") == KeyState::pending);
    story.go_on(30min, 15min);
    story.say("new", they_say({P::match, P::temperror, P::match}));
    story.look_after(15min);
    story.say("new", P::match);
    story.look_after(15min);
  }
  CHECK(story.key("new").stood == 90min);
  story.go_on(30min, 15min);
  CHECK(story.state("new") == KeyState::active);
}

TEST_CASE("what stood there before stays in caches for its own time to live") {
  const struct {
    const char* why;
    P before;
    std::chrono::seconds ttl;
    std::chrono::seconds needed;
  } rows[] = {
      {"a wrong record with a day", P::differs, 24h, 24h},
      {"one that was emptied", P::revoked, 5h, 5h},
      {"a week", P::differs, 168h, 24h},
      {"a denial by a zone that has them for longer", P::missing, 0s, 12h},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ZoneStory story({in_use("old"), made("new")});
    Observation before = all_say(row.before);
    before.ttl = row.ttl;
    if (row.before == P::missing) before.soa_ttl = before.soa_minimum = 12h;
    Observation right = all_say(P::match);
    right.ttl = right.soa_ttl = right.soa_minimum = 60s;
    story.say("old", right);
    story.say("new", before);
    story.look_after(0s);
    story.say("new", right);
    story.look_after(1min);
    story.go_on(row.needed - 1h, 1h);
    CHECK(story.state("new") == KeyState::pending);
    story.look_after(1h);
    CHECK(story.state("new") == KeyState::active);
  }
}

TEST_CASE("of the time that a system was off nothing counts") {
  ZoneStory story({in_use("old"), made("new")});
  story.config.queue_time = 48h;
  story.config.overlap = 0s;
  story.say("old", P::match);
  story.say("new", P::match);
  story.look_after(0s);
  story.go_on(2h, 1h);
  REQUIRE(story.state("old") == KeyState::retiring);
  story.clock_jumps(24h * 365);
  story.system_starts_again();
  story.look_after(0s);
  CHECK(story.state("old") == KeyState::retiring);
  CHECK(story.key("old").quiet == 0s);
}
