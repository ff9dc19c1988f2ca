#include <authmilter/key_watch.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/rotation/zone_story.h"

using namespace authmilter;
using P = Publication;

namespace {

/// A key of which there is no state.
struct Row {
  const char* name;
  std::int64_t made;       // its file
  std::int64_t last_used;  // 0: not known
  Observation seen;
  KeyState state = KeyState::pending;  // that comes of it
  KeyType type = KeyType::rsa;
};

Observation unsure() { return they_say({P::match, P::temperror, P::match}); }

Result<std::vector<KeyLife>> adopt(const std::vector<Row>& rows) {
  std::vector<KeyLife> keys;
  std::map<Selector, Observation> seen;
  for (const Row& row : rows) {
    KeyLife key = made(row.name, row.type);
    key.since = row.made;
    key.last_used = row.last_used;
    keys.push_back(std::move(key));
    seen.emplace(selector(row.name), row.seen);
  }
  return adopt_published(std::move(keys), seen, ZoneStory::kStart);
}

}  // namespace

TEST_CASE("a state is made anew from what is published") {
  const auto stands = all_say(P::match);
  const auto missing = all_say(P::missing);
  const struct {
    const char* why;
    std::vector<Row> keys;
  } rows[] = {
      {"a new key's record stands since nobody knows when: the oldest goes on",
       {{"new", 200, 0, stands, KeyState::pending}, {"old", 100, 0, stands, KeyState::active}}},
      {"who has signed last, not one that is retired and stands yet",
       {{"old", 100, 20000, stands, KeyState::pending},
        {"new", 200, 20700, stands, KeyState::active}}},
      {"both signed last",
       {{"old", 100, 20700, stands, KeyState::active},
        {"new", 200, 20700, stands, KeyState::active}}},
      {"what is not published waits",
       {{"old", 100, 0, stands, KeyState::active}, {"new", 200, 0, missing, KeyState::pending}}},
      {"not even where all were used",
       {{"old", 100, 20700, stands, KeyState::active},
        {"new", 200, 20700, missing, KeyState::pending}}},
      {"who was revoked is retired, and who is older and gone",
       {{"gone", 50, 0, missing, KeyState::retired},
        {"old", 100, 0, all_say(P::revoked), KeyState::retired},
        {"new", 200, 0, stands, KeyState::active}}},
      {"nothing is published: who signed",
       {{"old", 100, 0, missing, KeyState::retired},
        {"new", 200, 20700, missing, KeyState::active}}},
      {"nothing is published and nobody knows who signed: the oldest alone",
       {{"old", 100, 0, missing, KeyState::active}, {"new", 200, 0, missing, KeyState::pending}}},
      {"a server that is silent about one key does not matter where another stands",
       {{"old", 100, 0, stands, KeyState::active}, {"new", 200, 0, unsure(), KeyState::pending}}},
      {"each kind by itself",
       {{"r1", 100, 0, stands, KeyState::active},
        {"e1", 150, 0, stands, KeyState::active, KeyType::ed25519},
        {"e2", 160, 0, stands, KeyState::pending, KeyType::ed25519}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto adopted = adopt(row.keys);
    REQUIRE(adopted);
    for (std::size_t i = 0; i < row.keys.size(); ++i) {
      const KeyLife& key = (*adopted)[i];
      CAPTURE(key.selector.text());
      CHECK(key.state == row.keys[i].state);
      CHECK(key.signs == (row.keys[i].state == KeyState::active));
      CHECK(key.stood.count() == 0);
      CHECK(key.since == ZoneStory::kStart);
    }
  }
}

TEST_CASE("no state is made anew by a DNS that does not answer") {
  CHECK_FALSE(
      adopt({{"old", 100, 20700, all_say(P::temperror)}, {"new", 200, 0, all_say(P::missing)}}));
  CHECK_FALSE(adopt({{"only", 100, 0, unsure()}}));
}
