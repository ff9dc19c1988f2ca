#include "status/exposition_text.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

using namespace authmilter::tools;

TEST_CASE("samples are read as Prometheus reads them") {
  const struct {
    std::string why;
    std::string text;
    Sample sample;
  } rows[] = {
      {"without labels", "up 1\n", {"up", {}, 1}},
      {"empty labels", "up{} 1\n", {"up", {}, 1}},
      {"labels", "a{b=\"c\",d=\"e\"} 2\n", {"a", {{"b", "c"}, {"d", "e"}}, 2}},
      {"a comma behind the last label", "a{b=\"c\",} 2\n", {"a", {{"b", "c"}}, 2}},
      {"blanks wherever they may be",
       "a { b = \"c\" , d=\"\" }\t2 \n",
       {"a", {{"b", "c"}, {"d", ""}}, 2}},
      {"no blank before the value", "a{b=\"c\"}2\n", {"a", {{"b", "c"}}, 2}},
      {"escapes", "a{b=\"\\\\ \\\" \\n\"} 2\n", {"a", {{"b", "\\ \" \n"}}, 2}},
      {"brackets and other octets between quotes",
       "a{b=\"} \xc3\xa9,{=\"} 2\n",
       {"a", {{"b", "} \xc3\xa9,{="}}, 2}},
      {"a colon in the name", "job:rate 2\n", {"job:rate", {}, 2}},
      {"a fraction", "a 0.25\n", {"a", {}, 0.25}},
      {"an exponent", "a 1.5e+09\n", {"a", {}, 1.5e9}},
      {"a negative number", "a -3\n", {"a", {}, -3}},
      {"a plus", "a +3\n", {"a", {}, 3}},
      {"infinity", "a +Inf\n", {"a", {}, HUGE_VAL}},
      {"negative infinity", "a -Inf\n", {"a", {}, -HUGE_VAL}},
      {"a time is dropped", "a 1 1395066363000\n", {"a", {}, 1}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto samples = parse_exposition(row.text);
    REQUIRE(samples);
    REQUIRE(samples->size() == 1);
    CHECK(samples->front() == row.sample);
  }
}

TEST_CASE("what is no number at all is read too") {
  const auto samples = parse_exposition("a NaN\n");
  REQUIRE(samples);
  CHECK(std::isnan(samples->front().value));
}

TEST_CASE("comments and empty lines are skipped, the order is kept") {
  const auto samples =
      parse_exposition("# HELP a Text\n# TYPE a counter\na 1\n\n \t\n# \nb 2\na 3\n");
  REQUIRE(samples);
  REQUIRE(samples->size() == 3);
  CHECK(samples->at(0) == Sample{"a", {}, 1});
  CHECK(samples->at(1) == Sample{"b", {}, 2});
  CHECK(samples->at(2) == Sample{"a", {}, 3});
  CHECK(parse_exposition("")->empty());
}

TEST_CASE("a line that is neither sample nor comment is an error with its number") {
  const struct {
    std::string why;
    std::string text;
    const char* error;
  } rows[] = {
      {"no value", "a\n", "line 1: not a sample"},
      {"no value behind labels", "a{b=\"c\"}\n", "line 1: not a sample"},
      {"no name", "{b=\"c\"} 1\n", "line 1: not a sample"},
      {"a digit first", "1a 1\n", "line 1: not a sample"},
      {"a blank first", " a 1\n", "line 1: not a sample"},
      {"no number", "a one\n", "line 1: not a sample"},
      {"half a number", "a 1x\n", "line 1: not a sample"},
      {"two signs", "a +-1\n", "line 1: not a sample"},
      {"a time that is none", "a 1 now\n", "line 1: not a sample"},
      {"more behind the time", "a 1 2 3\n", "line 1: not a sample"},
      {"no quotes", "a{b=c} 1\n", "line 1: not a sample"},
      {"quotes that do not end", "a{b=\"c} 1\n", "line 1: not a sample"},
      {"an escape that is none", "a{b=\"\\t\"} 1\n", "line 1: not a sample"},
      {"an escape at the end", "a{b=\"\\\n", "line 1: not a sample"},
      {"labels that do not end", "a{b=\"c\" 1\n", "line 1: not a sample"},
      {"no comma", "a{b=\"c\" d=\"e\"} 1\n", "line 1: not a sample"},
      {"a comma alone", "a{,} 1\n", "line 1: not a sample"},
      {"a label twice", "a{b=\"c\",b=\"d\"} 1\n", "line 1: not a sample"},
      {"a later line", "# ok\na 1\nb b b\n", "line 3: not a sample"},
      {"cut off", "a 1\nb 12", "line 2: not ended"},
      {"HTML", "<html>\n", "line 1: not a sample"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto samples = parse_exposition(row.text);
    REQUIRE_FALSE(samples);
    CHECK(samples.error().message == row.error);
  }
}
