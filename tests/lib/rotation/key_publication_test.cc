#include <authmilter/key_publication.h>

#include <doctest/doctest.h>

#include "lib/rotation/zone_story.h"

using namespace authmilter;

namespace {

DomainKeys keys_of(Publication published, KeyState state,
                   const std::string& record = "v=DKIM1; p=AB") {
  KeyLife key = made("s1");
  key.state = state;
  key.published = published;
  key.record = record;
  key.servers = 2;
  if (state == KeyState::retired && published == Publication::revoked) {
    key.needed = std::chrono::hours(1);
    key.stood = std::chrono::hours(1);
  }
  return {domain("example.org"), {}, {key}};
}

std::vector<RecordChange> changes(const DomainKeys& keys, const RotationConfig& config = {}) {
  const auto found = record_changes(keys, config);
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("what the DNS needs, for a master file and for nsupdate") {
  const struct {
    const char* why;
    DomainKeys keys;
    const char* zone;
    const char* nsupdate;
  } rows[] = {
      {"a new key", keys_of(Publication::missing, KeyState::pending),
       "s1._domainkey.example.org. 3600 IN TXT \"v=DKIM1; p=AB\"\n",
       "update delete s1._domainkey.example.org. TXT\n"
       "update add s1._domainkey.example.org. 3600 TXT \"v=DKIM1; p=AB\"\nsend\n"},
      {"a retired key", keys_of(Publication::match, KeyState::retired),
       "; instead of the record that is there:\n"
       "s1._domainkey.example.org. 3600 IN TXT \"v=DKIM1; k=rsa; p=\"\n",
       "update delete s1._domainkey.example.org. TXT\n"
       "update add s1._domainkey.example.org. 3600 TXT \"v=DKIM1; k=rsa; p=\"\nsend\n"},
      {"a revoked key", keys_of(Publication::revoked, KeyState::retired),
       "; no longer needed: s1._domainkey.example.org. IN TXT\n",
       "update delete s1._domainkey.example.org. TXT\nsend\n"},
      {"a key that is where it should be", keys_of(Publication::match, KeyState::pending), "", ""},
      {"nothing is known", keys_of(Publication::temperror, KeyState::active), "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(zone_text(changes(row.keys)) == row.zone);
    CHECK(nsupdate_text(changes(row.keys)) == row.nsupdate);
  }
}

TEST_CASE("a long record is one line of strings that have room (RFC 1035 section 3.3)") {
  const std::string text = "v=DKIM1; p=" + std::string(600, 'A');
  const auto found = changes(keys_of(Publication::missing, KeyState::pending, text));
  const std::string input = nsupdate_text(found);
  CHECK(input.find("\"" + text.substr(0, 255) + "\" \"" + text.substr(255, 255) + "\" \"" +
                   text.substr(510) + "\"\n") != std::string::npos);
  CHECK(zone_text(found) == "s1._domainkey.example.org. 3600 IN TXT (\n    \"" +
                                text.substr(0, 255) + "\"\n    \"" + text.substr(255, 255) +
                                "\"\n    \"" + text.substr(510) + "\" )\n");
}

TEST_CASE("a delegated record stands in a zone of ours, and an alias leads there") {
  RotationConfig config;
  config.delegated_to = "dkim.example.net";
  DomainKeys keys = keys_of(Publication::missing, KeyState::pending);
  keys.keys[0].place = *record_place(keys.domain, selector("s1"), config);
  const auto found = changes(keys, config);
  CHECK(zone_text(found) ==
        "; once, in the zone of example.org:\n"
        "s1._domainkey.example.org. 3600 IN CNAME s1.example.org.dkim.example.net.\n"
        "s1.example.org.dkim.example.net. 3600 IN TXT \"v=DKIM1; p=AB\"\n");
  CHECK(nsupdate_text(found) ==
        "; once, in the zone of example.org: "
        "s1._domainkey.example.org. 3600 IN CNAME s1.example.org.dkim.example.net.\n"
        "update delete s1.example.org.dkim.example.net. TXT\n"
        "update add s1.example.org.dkim.example.net. 3600 TXT \"v=DKIM1; p=AB\"\nsend\n");
  config.delegated_to = std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                        std::string(60, 'c') + "." + std::string(60, 'd');
  CHECK_FALSE(record_place(keys.domain, selector("s1"), config));
}

TEST_CASE("a text ends neither its string nor its line (RFC 1035 section 5.1)") {
  const auto found =
      changes(keys_of(Publication::missing, KeyState::pending, "a\"\nsend\\; \x7f\xc3"));
  const std::string strings = R"("a\034\010send\092; \127\195")";
  CHECK(zone_text(found) == "s1._domainkey.example.org. 3600 IN TXT " + strings + "\n");
  CHECK(nsupdate_text(found).find("TXT " + strings + "\nsend\n") != std::string::npos);
}

TEST_CASE("a place that the configuration does not have is not told") {
  RotationConfig config;
  DomainKeys keys = keys_of(Publication::missing, KeyState::pending);
  const struct {
    const char* delegated_to;
    const char* place;
    bool told;
  } rows[] = {
      {"", "", true},
      {"", "_acme-challenge.example.org", false},
      {"dkim.example.net", "s1.example.org.dkim.example.net", true},
      {"dkim.example.net", "", true},
      {"dkim.example.net", "s2.example.org.dkim.example.net", false},
      {"dkim.example.net", "www.example.net", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.place);
    config.delegated_to = row.delegated_to;
    keys.keys[0].place = row.place;
    CHECK(static_cast<bool>(record_changes(keys, config)) == row.told);
  }
  keys.keys[0].place = "";
  keys.keys[0].record = "";
  CHECK_FALSE(record_changes(keys, RotationConfig{}));  // nothing to publish
}
