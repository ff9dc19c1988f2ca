#include "metrics/metrics.h"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

TEST_CASE("quantiles are estimated as Prometheus does") {
  using namespace std::chrono_literals;
  using Durations = std::vector<std::pair<int, std::chrono::microseconds>>;  // so many of each
  const struct {
    std::string why;
    double share;
    Durations durations;
    std::optional<double> seconds;
  } rows[] = {
      {"nothing counted", 0.5, {}, std::nullopt},
      {"the middle of the first bucket", 0.5, {{10, 1ms}}, 0.0005},
      {"the middle of a later one", 0.5, {{10, 2ms}}, 0.00175},
      {"between buckets", 0.5, {{5, 1ms}, {5, 2ms}}, 0.001},
      {"over empty buckets", 0.75, {{5, 1ms}, {5, 40ms}}, 0.0375},
      {"far in the tail", 0.95, {{90, 1ms}, {10, 2ms}}, 0.00175},
      {"beyond the largest bound", 0.95, {{60, 1ms}, {40, 1h}}, 5},
      {"all of them beyond", 0.5, {{3, 6s}}, 5},
      {"one alone", 0.5, {{1, 4ms}}, 0.00375},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Metrics::Histogram histogram;
    std::uint64_t all = 0;
    for (const auto& [count, time] : row.durations) {
      for (int i = 0; i < count; ++i, ++all) histogram.count(time);
    }
    CHECK(histogram.total() == all);
    const auto seconds = histogram.quantile(row.share);
    REQUIRE(seconds.has_value() == row.seconds.has_value());
    if (seconds) CHECK(*seconds == doctest::Approx(*row.seconds));
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
