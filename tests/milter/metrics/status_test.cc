#include "metrics/status.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace authmilter;
using Counts = DaemonStatus::Counts;

namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const DaemonFacts kFacts{.version = "1.2.3", .started = kNow - 60, .sockets = {"a", "b"}};

/// Those that are not 0.
Counts moved(const Counts& counts) {
  Counts left;
  for (const auto& count : counts) {
    if (count.second != 0) left.push_back(count);
  }
  return left;
}

}  // namespace

TEST_CASE("a daemon that has just begun has a status, with a 0 for each word") {
  const Metrics metrics;
  const DaemonStatus status = status_of(metrics, kFacts, kNow);
  CHECK(status.version == "1.2.3");
  CHECK(status.started == kNow - 60);
  CHECK(status.messages == Counts{{"accept", 0},
                                  {"tag", 0},
                                  {"quarantine", 0},
                                  {"reject", 0},
                                  {"tempfail", 0},
                                  {"discard", 0}});
  CHECK(status.rules.size() == Metrics().rules.size());
  CHECK(status.limits.size() == kLimits.size());
  CHECK(status.dns.failures ==
        Counts{{"timeout", 0}, {"servfail", 0}, {"bogus", 0}, {"malformed", 0}});
  CHECK_FALSE(status.dns.median);
  CHECK_FALSE(status.dns.trouble);
  CHECK(status.warnings.empty());
}

TEST_CASE("counts are under the words of what was counted") {
  using namespace std::chrono_literals;
  Metrics m;
  Metrics::count(m.messages, Disposition::reject);
  Metrics::count(m.decisions, Disposition::discard);
  Metrics::count(m.rules, Rule::spf_fail);
  Metrics::count(m.spf, SpfResult::softfail);
  Metrics::count(m.dkim, DkimResult::neutral);
  Metrics::count(m.dmarc, DmarcResult::temperror);
  Metrics::count(m.limits, Limit::spf_mx);
  Metrics::count(m.signatures, KeyType::ed25519);
  Metrics::count(m.unsigned_messages, SigningReason::no_key);
  Metrics::count(m.signing_failures, SigningReason::signing_failed);
  Metrics::count(m.dns_failures, DnsFault::bogus);
  Metrics::count(m.dns_recent_failures, DnsFault::servfail);
  Metrics::count(m.dns_trouble, DnsFault::servfail);
  m.dns_queries.count(4ms);
  m.dns_queries.count(1h);
  m.process(1).messages_in_hand = 2;

  const DaemonStatus status = status_of(m, kFacts, kNow);
  CHECK(moved(status.messages) == Counts{{"reject", 1}});
  CHECK(moved(status.policy) == Counts{{"discard", 1}});
  CHECK(moved(status.rules) == Counts{{"spf.fail", 1}});
  CHECK(moved(status.spf) == Counts{{"softfail", 1}});
  CHECK(moved(status.dkim) == Counts{{"neutral", 1}});
  CHECK(moved(status.dmarc) == Counts{{"temperror", 1}});
  CHECK(moved(status.limits) == Counts{{"spf-mx", 1}});
  CHECK(moved(status.signing.signatures) == Counts{{"ed25519", 1}});
  CHECK(moved(status.signing.unsigned_messages) == Counts{{"no-key", 1}});
  CHECK(moved(status.signing.failures) == Counts{{"signing-failed", 1}});
  CHECK(moved(status.dns.failures) == Counts{{"bogus", 1}});
  CHECK(moved(status.dns.recent_failures) == Counts{{"servfail", 1}});
  CHECK(status.dns.trouble == "servfail");
  CHECK(status.dns.queries == 2);
  CHECK(status.dns.median == 0.005);
  CHECK(status.dns.percentile95 == kLongestLatency);
  CHECK(status.connections.messages_in_hand == 2);
  CHECK(status.warnings.size() == 2);  // of the DNS and of signing
}

TEST_CASE("each process has its own configuration") {
  Metrics m;
  m.process(0).last_good_time = 1'700'000'000;
  m.process(0).good_reloads = 3;
  m.process(1).monitor_mode = 1;
  m.process(1).last_reload_good = 0;
  m.process(1).bad_reloads = 2;
  m.process(1).dns_validating = 1;
  m.process(1).open_descriptors = 90;
  m.process(1).descriptor_limit = 1000;
  m.process(2).open_descriptors = 90;  // of no socket
  using Process = DaemonStatus::Process;
  CHECK(status_of(m, kFacts, kNow).processes ==
        std::vector<Process>{
            {.socket = "a", .configured = 1'700'000'000, .reloads = {.good = 3, .bad = 0}},
            {.socket = "b",
             .mode = VerifyMode::monitor,
             .last_reload_good = false,
             .reloads = {.good = 0, .bad = 2},
             .validating = true,
             .open_descriptors = 90,
             .descriptor_limit = 1000}});
}

TEST_CASE("keys have an age, whatever the time of their files") {
  Metrics m;
  m.keys.store({{"d.example", "old", kNow - 3 * 86'400 - 1},
                {"d.example", "new", kNow},
                {"d.example", "tomorrow", kNow + 86'400},
                {"d.example", "before", -1},
                {"d.example", "beyond", INT64_MAX}});
  const DaemonStatus status = status_of(m, kFacts, kNow);
  REQUIRE(status.keys.size() == 5);
  CHECK(status.keys[0] == DaemonStatus::Key{.domain = "d.example",
                                            .selector = "old",
                                            .written = kNow - 3 * 86'400 - 1,
                                            .age_days = 3});
  CHECK(status.keys[1].age_days == 0);
  CHECK(status.keys[2].age_days == -1);
  CHECK(status.keys[3].written == 0);
  CHECK(read_status(write_status(status)));
}
