#include "status/daemon_status.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

using namespace authmilter::tools;

namespace {

constexpr std::int64_t kNow = 1'800'000'000;

DaemonStatus status_of(const std::string& text) {
  const auto samples = parse_exposition("authmilter_build_info{version=\"1\"} 1\n" + text);
  REQUIRE(samples);
  const auto status = read_status(*samples);
  REQUIRE(status);
  return *status;
}

}  // namespace

TEST_CASE("quantiles are estimated as Prometheus does") {
  using Buckets = std::vector<std::pair<double, double>>;
  const double inf = HUGE_VAL;
  const struct {
    std::string why;
    double quantile;
    Buckets buckets;
    double seconds;  // negative: no answer
    bool or_more;
  } rows[] = {
      {"no bucket", 0.5, {}, -1, false},
      {"no sample", 0.5, {{1, 0}, {inf, 0}}, -1, false},
      {"the middle of the first bucket", 0.5, {{1, 10}, {inf, 10}}, 0.5, false},
      {"the middle of a later one", 0.5, {{1, 0}, {2, 10}, {inf, 10}}, 1.5, false},
      {"between buckets", 0.5, {{1, 5}, {2, 10}, {inf, 10}}, 1, false},
      {"far in the tail", 0.95, {{1, 90}, {2, 100}, {inf, 100}}, 1.5, false},
      {"beyond the largest bound", 0.95, {{1, 50}, {2, 60}, {inf, 100}}, 2, true},
      {"all of them beyond", 0.5, {{1, 0}, {inf, 3}}, 1, true},
      {"in any order", 0.5, {{inf, 10}, {2, 10}, {1, 0}}, 1.5, false},
      {"a bound below zero", 0.5, {{-1, 5}, {1, 10}, {inf, 10}}, 0.5, false},
      {"no number of samples", 0.5, {{1, 10}, {inf, inf}}, -1, false},
      {"a bound that is no number", 0.5, {{std::nan(""), 99}, {1, 10}, {inf, 10}}, 0.5, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto latency = estimate_quantile(row.quantile, row.buckets);
    REQUIRE(latency.has_value() == (row.seconds >= 0));
    if (!latency) continue;
    CHECK(latency->seconds == doctest::Approx(row.seconds));
    CHECK(latency->or_more == row.or_more);
  }
}

TEST_CASE("metrics of something else are not taken for the daemon's") {
  CHECK_FALSE(read_status({}));
  CHECK_FALSE(read_status({{"up", {}, 1}}));
  CHECK_FALSE(read_status({{"authmilter_build_info", {}, 1}}));
}

TEST_CASE("counters are read by their labels, in the daemon's order") {
  const auto status = status_of(
      "authmilter_messages_total{action=\"reject\"} "
      "2\nauthmilter_messages_total{action=\"accept\"} 1\n"
      "authmilter_spf_results_total{result=\"pass\"} 3\nauthmilter_tls_refusals_total 7\n"
      "authmilter_dns_query_duration_seconds_count 9\n");
  CHECK(status.messages == Counts{{"reject", 2}, {"accept", 1}});
  CHECK(status.spf == Counts{{"pass", 3}});
  CHECK(status.dkim.empty());
  CHECK(status.tls_refusals == 7);
  CHECK(status.dns_queries == 9);
}

TEST_CASE("each process has its own configuration") {
  const auto status = status_of(
      "authmilter_monitor_mode{socket=\"a\"} 0\n"
      "authmilter_monitor_mode{socket=\"b\"} 1\n"
      "authmilter_config_last_reload_successful{socket=\"b\"} 0\n"
      "authmilter_config_last_reload_success_timestamp_seconds{socket=\"a\"} 1.7e+09\n"
      "authmilter_reloads_total{result=\"good\",socket=\"a\"} 3\n"
      "authmilter_reloads_total{result=\"bad\",socket=\"b\"} 2\n"
      "process_open_fds{socket=\"b\"} 90\nprocess_max_fds{socket=\"b\"} 100\n"
      "process_open_fds{socket=\"unheard of\"} 90\n");
  REQUIRE(status.processes.size() == 2);
  const ProcessStatus& a = status.processes[0];
  const ProcessStatus& b = status.processes[1];
  CHECK(a.socket == "a");
  CHECK_FALSE(a.monitor);
  CHECK(b.monitor);
  CHECK(a.last_reload_good);
  CHECK_FALSE(b.last_reload_good);
  CHECK(a.configured == 1'700'000'000);
  CHECK(a.good_reloads == 3);
  CHECK(b.bad_reloads == 2);
  CHECK(b.open_descriptors == 90);
}

TEST_CASE("what an operator should look at") {
  const struct {
    std::string why;
    std::string text;
    const char* warning;  // empty: none
  } rows[] = {
      {"all is well", "", ""},
      {"a reload was refused",
       "authmilter_monitor_mode{socket=\"a\"} 0\n"
       "authmilter_config_last_reload_successful{socket=\"a\"} 0\n",
       "a: the last reload was refused, the old configuration is in force"},
      {"few descriptors are left",
       "authmilter_monitor_mode{socket=\"a\"} 0\n"
       "process_open_fds{socket=\"a\"} 81\nprocess_max_fds{socket=\"a\"} 100\n",
       "a: 81 of 100 file descriptors are in use"},
      {"enough are left",
       "authmilter_monitor_mode{socket=\"a\"} 0\n"
       "process_open_fds{socket=\"a\"} 80\nprocess_max_fds{socket=\"a\"} 100\n",
       ""},
      {"a key of a year and a second",
       "authmilter_signing_key_timestamp_seconds{domain=\"d.example\",selector=\"s\"} 1768463999\n",
       "the key s._domainkey.d.example is older than a year"},
      {"a key of a year",
       "authmilter_signing_key_timestamp_seconds{domain=\"d.example\",selector=\"s\"} 1768464000\n",
       ""},
      {"signing failed",
       "authmilter_signing_failures_total{reason=\"a\"} 2\n"
       "authmilter_signing_failures_total{reason=\"b\"} 1\n",
       "3 messages could not be signed"},
      {"the DNS is in trouble",
       "authmilter_dns_recent_queries 20\nauthmilter_dns_recent_failures{kind=\"timeout\"} 17\n"
       "authmilter_dns_recent_failures{kind=\"bogus\"} 1\n"
       "authmilter_dns_trouble{kind=\"timeout\"} 1\nauthmilter_dns_trouble{kind=\"bogus\"} 0\n",
       "18 of 20 DNS queries of the last ten minutes failed, most by timeout: authmilter check-dns "
       "says what may be wrong"},
      {"some of it fails, as it always does",
       "authmilter_dns_recent_queries 20\nauthmilter_dns_recent_failures{kind=\"timeout\"} 5\n"
       "authmilter_dns_trouble{kind=\"timeout\"} 0\n",
       ""},
      {"internal errors", "authmilter_internal_errors_total 4\n", "4 internal errors, see the log"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto warnings = warnings_of(status_of(row.text), kNow);
    if (*row.warning == '\0') {
      CHECK(warnings.empty());
    } else {
      REQUIRE(warnings.size() == 1);
      CHECK(warnings.front() == row.warning);
    }
  }
}
