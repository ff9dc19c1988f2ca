#include <authmilter/rotation.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/rotation/zone_story.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

DomainKeys two_keys() {
  ZoneStory story({in_use("old"), made("new"), made("ed", KeyType::ed25519)});
  story.say("old", Publication::match);
  story.say("new", Publication::match);
  Observation half = they_say({Publication::match, Publication::missing});
  half.trouble = "ns2.example.org has no record \"yet\"";
  story.say("ed", half);
  story.look_after(0s);
  story.go_on(1h, 1h);
  story.key("old").last_used = 20786;
  story.key("old").testing = true;
  story.key("ed").given_up = true;
  return story.keys();
}

std::string error_of(const std::string& text) {
  const auto read = parse_state(text, "s");
  return read ? std::string() : read.error().message;
}

}  // namespace

TEST_CASE("a state that is written can be read again") {
  const DomainKeys keys = two_keys();
  const auto read = parse_state(print_state(keys), "s");
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  CHECK(*read == keys);
}

TEST_CASE("a state that is cut off anywhere is noticed") {
  const std::string text = print_state(two_keys());
  for (std::size_t octets = 0; octets + 1 < text.size(); ++octets) {
    CAPTURE(octets);
    REQUIRE_FALSE(parse_state(text.substr(0, octets), "s"));
  }
  CHECK(parse_state(text.substr(0, text.size() - 1), "s"));  // without the last line feed
}

TEST_CASE("a state may be written by hand") {
  const auto read = parse_state(
      "domain = \"Example.org\"  # mine\n"
      "[[key]]\n"
      "selector = \"2026a\"\ntype = \"rsa\"\nstate = \"retiring\"\nsince = \"2026-11-28\"\n"
      "# end of this file\n\n",
      "s");
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  CHECK(read->domain.text() == "example.org");
  REQUIRE(read->keys.size() == 1);
  CHECK(read->keys[0].state == KeyState::retiring);
  CHECK(read->keys[0].since == 1'795'824'000);
}

TEST_CASE("what is wrong with a state is said with its place") {
  const std::string end = "\n# end of this file\n";
  const std::string key = "domain = \"a.example\"\n[[key]]\nselector = \"s\"\ntype = \"rsa\"\n";
  const struct {
    std::string text;
    const char* error;
  } rows[] = {
      {"", "s: cut off: its last line is not \"# end of this file\""},
      {"x = 1" + end, "s:1:1: : has no domain"},
      {key + end, "s:2:1: key: has no state"},
      {key + "state = \"old\"" + end, "s:5:9: key.state: \"old\" is not known"},
      {key + "state = \"active\"\nsince = \"soon\"" + end,
       "s:6:9: key.since: is not a time, write for example \"2026-11-28T12:00:00Z\""},
      {key + "state = \"active\"\nstood_seconds = -1" + end,
       "s:6:17: key.stood_seconds: must not be negative"},
      {key + "state = \"active\"\nbitz = 2048" + end, "s:6:1: key.bitz: is not known"},
      {"looked_at = 1\n" + key + "state = \"active\"" + end, "s:1:1: looked_at: is not known"},
      {key + "state = \"active\"\nbits = 99999999999" + end,
       "s:6:8: key.bits: must not be more than 65536"},
      {key + "state = \"active\"\nstood_seconds = 9223372036854775807" + end,
       "s:6:17: key.stood_seconds: must not be more than 3162240000"},
      {key + "state = \"active\"\n[[key]]\nselector = \"s\"\ntype = \"rsa\"\nstate = \"active\"" +
           end,
       "s:6:1: \"s\" has a key already"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(error_of(row.text) == row.error);
  }
}

TEST_CASE("a state has the record of a key and a domain name for its place, or it is refused") {
  const struct {
    const char* why;
    const char* line;
    const char* error;  // empty: it is read
  } rows[] = {
      {"the record of its key", "record = 'v=DKIM1; k=rsa; p=AB+/cd=='", ""},
      {"of another type", "record = 'v=DKIM1; k=ed25519; p=AB=='", "record"},
      {"a quote that ends the string", "record = 'v=DKIM1; k=rsa; p=A\"'", "record"},
      {"a line of its own", "record = \"v=DKIM1; k=rsa; p=A\\nsend\\n\"", "record"},
      {"a backslash", "record = 'v=DKIM1; k=rsa; p=A\\'", "record"},
      {"a comment", "record = 'v=DKIM1; k=rsa; p=A ; x'", "record"},
      {"another text", "record = 'token'", "record"},
      {"no key", "record = 'v=DKIM1; k=rsa; p='", "record"},
      {"nothing", "record = ''", "record"},
      {"not a text", "record = 1", "record"},
      {"a place", "place = 's.example.org.dkim.example.net'", ""},
      {"a place of several lines", "place = \"a b\\nsend\"", "place"},
      {"a place that is written otherwise", "place = 'A.example.net.'", "place"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const std::string error =
        error_of(std::string("domain = 'example.org'\n[[key]]\nselector = 's'\ntype = 'rsa'\n"
                             "state = 'pending'\n") +
                 row.line + "\n# end of this file\n");
    if (*row.error == '\0')
      CHECK(error == "");
    else
      CHECK_MESSAGE(error.starts_with("s:6:"), error);
  }
}
