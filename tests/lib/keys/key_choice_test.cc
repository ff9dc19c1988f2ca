#include <authmilter/key_ring.h>
#include <authmilter/key_states.h>
#include <authmilter/published_key.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lib/crypto/vectors.h"
#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

const DomainName kDomain = *DomainName::parse("example.org");

SigningKey key(const char* selector) {
  static const auto one = *private_key_from_pem(vectors::kEd25519Pem, "k");
  return {kDomain, *Selector::parse(selector), one};
}

KeyLife life(const char* selector, KeyState state, bool signs, const std::string& record = "") {
  KeyLife life{.selector = *Selector::parse(selector)};
  life.type = KeyType::ed25519;
  life.state = state;
  life.signs = signs;
  life.record = record;
  return life;
}

}  // namespace

TEST_CASE("which of a domain's keys sign") {
  const std::vector<SigningKey> keys = {key("a"), key("b")};
  const std::string own = key_record_text(*keys[0].key);
  using S = KeyState;
  const struct {
    const char* why;
    std::vector<KeyLife> lives;
    std::vector<bool> signing;
  } rows[] = {
      {"nothing is known: all, as without a state", {}, {true, true}},
      {"the state says it",
       {life("a", S::active, true), life("b", S::pending, false)},
       {true, false}},
      {"both, while one makes way",
       {life("a", S::retiring, true), life("b", S::active, true)},
       {true, true}},
      {"one that the state does not name", {life("a", S::retired, false)}, {false, true}},
      {"none by its word: all that ever signed",
       {life("a", S::retiring, false), life("b", S::pending, false)},
       {true, false}},
      {"none but pending ones: all",
       {life("a", S::pending, false), life("b", S::pending, false)},
       {true, true}},
      {"the record is this key's",
       {life("a", S::active, true, own), life("b", S::active, false)},
       {true, false}},
      {"the selector has another key by now",
       {life("a", S::active, true, "v=DKIM1; p=other"), life("b", S::retiring, false)},
       {false, true}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(choose_keys(keys, {kDomain, {}, row.lives}) == row.signing);
  }
}

TEST_CASE("which of a domain's keys a verifier can find") {
  const std::vector<SigningKey> keys = {key("a"), key("b")};
  using S = KeyState;
  const auto lost = [](KeyLife life) {
    life.lost = true;
    return life;
  };
  const struct {
    const char* why;
    std::vector<KeyLife> lives;
    std::vector<bool> found;
  } rows[] = {
      {"nothing is known: all", {}, {true, true}},
      {"one that makes way, whether it signs or not",
       {life("a", S::retiring, false), life("b", S::active, true)},
       {true, true}},
      {"one whose record may be revoked",
       {life("a", S::retired, false), life("b", S::active, true)},
       {false, true}},
      {"one that is waited for",
       {life("a", S::active, true), life("b", S::pending, false)},
       {true, false}},
      {"one whose record is lost",
       {lost(life("a", S::active, false)), life("b", S::retiring, true)},
       {false, true}},
      {"one that is lost and signs beside another",
       {lost(life("a", S::active, true)), life("b", S::active, true)},
       {false, true}},
      {"one that the state does not name", {life("a", S::retired, false)}, {false, true}},
      {"the selector has another key by now",
       {life("a", S::active, true, "v=DKIM1; p=other"), life("b", S::active, true)},
       {false, true}},
      {"all are lost: those that sign, since they would add the same",
       {lost(life("a", S::active, true)), lost(life("b", S::retiring, false))},
       {true, false}},
      {"none but pending ones: they sign",
       {life("a", S::pending, false), life("b", S::pending, false)},
       {true, true}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(keys_in_the_dns(keys, {kDomain, {}, row.lives}) == row.found);
  }
}

TEST_CASE("a domain's state says nothing of the keys of another one") {
  const SigningKey foreign{*DomainName::parse("provider.example"), *Selector::parse("a"),
                           key("a").key};
  const std::vector<SigningKey> keys = {key("a"), foreign, key("b")};
  using S = KeyState;
  const struct {
    const char* why;
    std::vector<KeyLife> lives;
    std::vector<bool> signing;
  } rows[] = {
      {"the selector is the same",
       {life("a", S::pending, false), life("b", S::active, true)},
       {false, true, true}},
      {"another domain's signature does not stand for ours",
       {life("a", S::retiring, false), life("b", S::pending, false)},
       {true, true, false}},
      {"nor where all of ours are pending",
       {life("a", S::pending, false), life("b", S::pending, false)},
       {true, true, true}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(choose_keys(keys, {kDomain, {}, row.lives}) == row.signing);
  }
}

TEST_CASE("a ring follows the state files") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "k.pem";
  std::ofstream(file) << vectors::kEd25519Pem;
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  SigningConfig config;
  config.domains = {{kDomain, true, {}, {}}};
  for (const char* selector : {"a", "b"})
    config.domains[0].keys.push_back(
        {*Selector::parse(selector), KeySource::of_file(file.string()), {}});
  const auto all = KeyRing::load(config);
  REQUIRE(all);
  const auto signers = [&](const KeyRing& ring) {
    std::string text;
    for (const SigningKey& one : ring.keys_for(*DomainName::parse("x.example.org")))
      text += one.selector.text();
    return text;
  };
  std::filesystem::create_directory(folder.path() / "states");
  const KeyStateFiles files(folder.path() / "states");
  CHECK(signers(*KeyRing::choose(*all, KeyStates::load(folder.path() / "states"))) == "ab");

  REQUIRE(files.write(
      {kDomain, {}, {life("a", KeyState::active, true), life("b", KeyState::pending, false)}}));
  const auto first = KeyStates::load(folder.path() / "states");
  const auto ring = KeyRing::choose(*all, first);
  CHECK(signers(*ring) == "a");
  CHECK(ring->known_keys_for(kDomain).size() == 2);
  CHECK(ring->keys_in_the_dns_for(kDomain).size() == 1);
  CHECK(ring->lacking().empty());
  CHECK(ring->keys_for(kDomain).at(0).use == ring->uses().at(0).use);

  SUBCASE("as they are now, whatever they said before") {
    REQUIRE(files.write(
        {kDomain, {}, {life("b", KeyState::active, true), life("a", KeyState::retiring, false)}}));
    const auto second = KeyStates::load(folder.path() / "states", first.get());
    CHECK_FALSE(second->same_as(*first));
    CHECK(signers(*KeyRing::choose(ring, second)) == "b");
  }
  SUBCASE("one that is cut off leaves what was known") {
    std::filesystem::resize_file(files.file_of(kDomain), 100);
    const auto second = KeyStates::load(folder.path() / "states", first.get());
    CHECK(second->entries().at("example.org").error.find("cut off") != std::string::npos);
    CHECK(signers(*KeyRing::choose(ring, second)) == "a");
    // After a start nothing is: of all signatures one can be verified.
    CHECK(signers(*KeyRing::choose(*all, KeyStates::load(folder.path() / "states"))) == "ab");
  }
  SUBCASE("one that goes away takes its choice with it") {
    REQUIRE(files.remove(kDomain));
    const auto second = KeyStates::load(folder.path() / "states", first.get());
    CHECK(signers(*KeyRing::choose(ring, second)) == "ab");
  }
  SUBCASE("what is known of uses goes on with the next configuration") {
    const auto reloaded = KeyRing::load(config, ring.get());
    REQUIRE(reloaded);
    const auto chosen = KeyRing::choose(*reloaded, first);
    CHECK(chosen->uses().at(0).use == ring->uses().at(0).use);
  }
  SUBCASE("a key that the configuration lacks is asked for") {
    REQUIRE(files.write(
        {kDomain, {}, {life("c", KeyState::active, true), life("a", KeyState::retiring, false)}}));
    const auto chosen =
        KeyRing::choose(ring, KeyStates::load(folder.path() / "states", first.get()));
    CHECK(chosen->lacking() == std::vector<std::string>{"example.org c"});
  }
  SUBCASE("the days of use are those of all processes, the last") {
    REQUIRE(files.write_uses(0, {{{"example.org", "a"}, 100}, {{"example.org", "b"}, 90}}));
    REQUIRE(files.write_uses(1, {{{"example.org", "a"}, 99}, {{"example.org", "b"}, 95}}));
    CHECK(files.last_uses() ==
          KeyStateFiles::Uses{{{"example.org", "a"}, 100}, {{"example.org", "b"}, 95}});
  }
}
