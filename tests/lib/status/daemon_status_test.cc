#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include <authmilter/daemon_status.h>

using namespace authmilter;

namespace {

/// Nothing in it has its default.
DaemonStatus full_status() {
  DaemonStatus status;
  status.version = "1.2.3";
  status.started = 1'700'000'000;
  status.processes = {{.socket = "unix:/a",
                       .mode = VerifyMode::monitor,
                       .last_reload_good = false,
                       .configured = 1'700'000'001,
                       .reloads = {.good = 1, .bad = 2},
                       .validating = true,
                       .open_descriptors = 3,
                       .descriptor_limit = UINT64_MAX},
                      {.socket = "unix:/b \"\x1b\\"}};
  status.connections = {.total = 4, .open = 5, .messages_in_hand = 6};
  status.messages = {{"reject", 7}, {"accept", 8}};
  status.policy = {{"tag", 9}};
  status.rules = {{"dmarc.pass", 10}, {"default", 11}};
  status.aborted_messages = 12;
  status.tls_refusals = 13;
  status.internal_errors = 14;
  status.spf = {{"pass", 15}};
  status.dkim = {{"pass", 16}};
  status.dmarc = {{"pass", 17}};
  status.dns = {.questions = 18,
                .queries = 19,
                .median = 0.0125,
                .percentile95 = kLongestLatency,
                .failures = {{"timeout", 20}},
                .recent_queries = 21,
                .recent_failures = {{"bogus", 22}},
                .trouble = "bogus"};
  status.signing = {.messages = 23,
                    .signatures = {{"rsa", 24}},
                    .unsigned_messages = {{"no-key", 25}},
                    .failures = {{"signing-failed", 26}}};
  status.keys = {{.domain = "d.example", .selector = "s", .written = 27, .age_days = -28}};
  status.limits = {{"header", 29}};
  status.warnings = {"one", "two"};
  return status;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("what is written is read again, the same") {
  for (const DaemonStatus& status : {DaemonStatus{}, full_status()}) {
    const auto read = read_status(write_status(status));
    REQUIRE(read);
    CHECK(*read == status);
  }
}

TEST_CASE("a text that is not UTF-8 does not keep the rest from being read") {
  DaemonStatus status = full_status();
  status.version = "\xff";
  const auto read = read_status(write_status(status));
  REQUIRE(read);
  CHECK(read->version == "\xef\xbf\xbd");
}

TEST_CASE("no octet of a text steers a terminal") {
  DaemonStatus status;
  status.version =
      "\x1b[31m\x7f\xc2\x9b"
      "31m\xe2\x80\xae";
  const std::string text = write_status(status);
  CHECK(std::all_of(text.begin(), text.end(),
                    [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  CHECK(read_status(text)->version == status.version);
}

TEST_CASE("as many keys as the daemon can name are read") {
  DaemonStatus status;
  status.keys.resize(11'000, {.domain = "d.example", .selector = "s"});
  const auto read = read_status(write_status(status));
  REQUIRE(read);
  CHECK(read->keys.size() == 11'000);
}

TEST_CASE("a member of another form is an error") {
  const std::string good = write_status(full_status());
  REQUIRE(read_status(good));
  const struct {
    std::string why;
    std::string what;
    std::string by;
  } rows[] = {
      {"a missing member", "\"tls_refusals\"", "\"other\""},
      {"a missing member of a member", "\"messages_in_hand\"", "\"other\""},
      {"a number for a text", "\"1.2.3\"", "1"},
      {"a text for a number", ": 12,", ": \"12\","},
      {"a count below zero", ": 12,", ": -12,"},
      {"a fraction", ": 12,", ": 12.5,"},
      {"a count as a fraction", ": 12,", ": 12.0,"},
      {"more than can be counted", ": 12,", ": 18446744073709551616,"},
      {"more than is a number", ": 12,", ": 1e999,"},
      {"nothing", ": 12,", ": null,"},
      {"a truth for a count", ": 12,", ": true,"},
      {"a count for a truth", "\"dns_validating\": true", "\"dns_validating\": 1"},
      {"a time that is too late", ": 1700000000,", ": 1000000000001,"},
      {"a time that is too early", ": 1700000000,", ": -1000000000001,"},
      {"a time beyond all", ": 1700000000,", ": 18446744073709551615,"},
      {"a latency below zero", "0.0125", "-0.0125"},
      {"a latency beyond the largest", "0.0125", "5.5"},
      {"no latency", "0.0125", "\"fast\""},
      {"an unknown mode", "\"monitor\"", "\"off\""},
      {"a count among counts", "\"reject\": 7", "\"reject\": -7"},
      {"a list for counts", "\"limits\": {", "\"limits\": [], \"other\": {"},
      {"counts for a list", "\"warnings\": [", "\"warnings\": {}, \"other\": ["},
      {"an element of a list", "\"one\"", "1"},
      {"a trouble that is not a word", "\"trouble\": \"bogus\"", "\"trouble\": false"},
      {"an octet that is not UTF-8", "1.2.3", "\xff"},
      {"text behind it", "\n}\n", "\n}\n{}"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto read = read_status(replaced(good, row.what, row.by));
    REQUIRE_FALSE(read);
    CHECK(read.error().message == "not authmilterd's status");
  }
}

TEST_CASE("what is not a status at all is an error, and costs no more than its length") {
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += "\"" + std::to_string(i) + "\":0,";
  std::string nested = "0";
  for (int i = 0; i < 1000; ++i) nested = "{\"a\":" + nested + "}";
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{},";
  const struct {
    std::string why;
    std::string text;
  } rows[] = {
      {"nothing", ""},
      {"metrics", "authmilter_build_info{version=\"1\"} 1\n"},
      {"HTML", "<html>\n"},
      {"a number", "1"},
      {"a list", "[]"},
      {"an empty object", "{}"},
      {"another program's", R"({"status":"success","data":{"resultType":"vector"}})"},
      {"the half", write_status(full_status()).substr(0, 1000)},
      {"deep lists", std::string(100'000, '[')},
      {"deep lists that end", std::string(100'000, '[') + std::string(100'000, ']')},
      {"deep objects", nested},
      {"many objects", "[" + objects + "{}]"},
      {"many members", "{" + many + "\"version\":\"1\"}"},
      {"many counts", replaced(write_status(full_status()), "\"header\"", many + "\"header\"")},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto read = read_status(row.text);
    REQUIRE_FALSE(read);
    CHECK(read.error().message == "not authmilterd's status");
  }
}
