#include "log/log.h"

#include <doctest/doctest.h>

#include <string>

#include "log/repeat_limit.h"

using namespace authmilter;
using namespace std::chrono_literals;

TEST_CASE("a text line is key=value, and whatever is not plain is quoted") {
  const struct {
    std::string why;
    std::string value;
    const char* line;
  } rows[] = {
      {"plain", "example.org", "key=example.org"},
      {"an address", "2001:db8::1", "key=2001:db8::1"},
      {"empty", "", "key=\"\""},
      {"blank", "a b", "key=\"a b\""},
      {"a value that looks like another key", "a action=accept", "key=\"a action=accept\""},
      {"equals sign", "a=b", "key=\"a=b\""},
      {"quote and backslash", "a\"b\\c", "key=\"a\\\"b\\\\c\""},
      {"a line of its own", "a\nid=1", "key=\"a\\x0aid=1\""},
      {"escape sequence of a terminal", "\x1b[2J", "key=\"\\x1b[2J\""},
      {"eight bits", "\xc3\xbc", "key=\"\\xc3\\xbc\""},
      {"NUL", std::string("a\0b", 3), "key=\"a\\x00b\""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(format_text("", {{"key", row.value}}) == row.line);
  }
  CHECK(format_text("text", {{"a", "b"}, {"ms", std::int64_t{41}}}) == "text a=b ms=41");
}

TEST_CASE("a value is cut at 256 octets") {
  CHECK(format_text("", {{"key", std::string(256, 'x')}}) == "key=" + std::string(256, 'x'));
  CHECK(format_text("", {{"key", std::string(257, 'x')}}) ==
        "key=\"" + std::string(256, 'x') + "...\"");
}

TEST_CASE("a JSON line is one object of printable ASCII") {
  const auto when = std::chrono::system_clock::time_point(1700000000s + 5ms);
  CHECK(format_json(LogLevel::info, "", {{"id", "4Xk2"}, {"ms", std::int64_t{41}}}, when) ==
        R"({"time":"2023-11-14T22:13:20.005Z","level":"info","id":"4Xk2","ms":41})");
  CHECK(format_json(LogLevel::error, "cannot", {{"what", "a\"\n\xff\\"}}, when) ==
        R"({"time":"2023-11-14T22:13:20.005Z","level":"error","message":"cannot",)"
        R"("what":"a\"\\x0a\\xff\\"})");
}

TEST_CASE("of equal lines ten a minute are written, and the rest counted") {
  RepeatLimit limit;
  const RepeatLimit::Time start{};
  for (int i = 0; i < 10; ++i) CHECK(limit.check("a", start).write);
  CHECK_FALSE(limit.check("a", start).write);
  CHECK_FALSE(limit.check("a", start + 59s).write);
  CHECK(limit.check("b", start).write);
  const auto next = limit.check("a", start + 60s);
  CHECK(next.write);
  CHECK(next.held_back == 2);
  CHECK(limit.check("a", start + 61s).held_back == 0);
}

TEST_CASE("the memory of repeated lines is bounded") {
  RepeatLimit limit;
  for (int i = 0; i < 100000; ++i) limit.check("line " + std::to_string(i), {});
  CHECK(limit.check("another", {}).write);
}
