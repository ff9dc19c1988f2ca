#include "metrics/metrics.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace authmilter;

TEST_CASE("a duration is counted under the first bound that it does not exceed") {
  using namespace std::chrono_literals;
  const struct {
    std::chrono::microseconds time;
    std::size_t bucket;
  } rows[] = {{0us, 0}, {1ms, 0}, {1001us, 1}, {5s, 11}, {5s + 1us, 12}, {1h, 12}};
  for (const auto& row : rows) {
    CAPTURE(row.time.count());
    Metrics::Histogram histogram;
    histogram.count(row.time);
    CHECK(histogram.buckets[row.bucket] == 1);
    CHECK(histogram.microseconds == static_cast<std::uint64_t>(row.time.count()));
  }
}

TEST_CASE("times of keys are kept as far as they have room") {
  KeyTimes times;
  CHECK(times.load().empty());
  const std::vector<KeyTime> two = {{"example.org", "2026a", 1700000000}, {"b.example", "1", -1}};
  times.store(two);
  CHECK(times.load() == two);
  std::vector<KeyTime> many;
  for (int i = 0; i < 1000; ++i) {
    many.push_back(
        {"domain" + std::to_string(i) + ".example.org", "selector2026a", 1700000000 + i});
  }
  times.store(many);
  CHECK(times.load() == many);
  many.insert(many.end(), 1000, many.back());
  times.store(many);
  CHECK(times.load().size() > 1000);
  CHECK(times.load().size() < 2000);
  times.store({});
  CHECK(times.load().empty());
}
