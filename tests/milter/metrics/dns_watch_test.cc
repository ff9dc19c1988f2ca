#include "metrics/dns_watch.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using Clock = DnsWatch::Clock;

void add(DnsCounts& counts, DnsFault fault, std::uint64_t number) {
  counts.failures[static_cast<std::size_t>(fault)] += number;
}

}  // namespace

TEST_CASE("the share of failures of the last minutes shows trouble") {
  struct Failures {
    DnsFault fault;
    std::uint64_t number;
  };
  const struct {
    const char* why;
    std::uint64_t queries;
    std::vector<Failures> failures;
    const char* trouble;  // empty: none
  } rows[] = {
      {"nothing asked", 0, {}, ""},
      {"all is well", 1000, {}, ""},
      {"nothing is answered", 10, {{DnsFault::timeout, 10}}, "timeout"},
      {"too few to tell", 9, {{DnsFault::timeout, 9}}, ""},
      {"a quiet host, most of it", 20, {{DnsFault::servfail, 16}}, "servfail"},
      {"a quiet host and a spammer's names", 20, {{DnsFault::servfail, 12}}, ""},
      {"a busy host, half of it", 200, {{DnsFault::bogus, 100}}, "bogus"},
      {"a wave of forged mail", 1000, {{DnsFault::servfail, 300}, {DnsFault::timeout, 150}}, ""},
      {"the most frequent kind is named",
       100,
       {{DnsFault::timeout, 30}, {DnsFault::malformed, 50}, {DnsFault::bogus, 10}},
       "malformed"},
      {"our own limits are not the name servers' trouble", 100, {{DnsFault::limit, 100}}, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DnsWatch watch;
    auto now = Clock::time_point(1000h);
    // What was before the watch began does not count.
    DnsCounts counts;
    counts.queries = 10'000;
    add(counts, DnsFault::timeout, 10'000);
    CHECK(watch.sample(counts, now) == DnsWatch::Event::none);
    counts.queries += row.queries;
    for (const auto& [fault, number] : row.failures) add(counts, fault, number);
    now += 10s;
    const bool trouble = *row.trouble != 0;
    CHECK(watch.sample(counts, now) == (trouble ? DnsWatch::Event::began : DnsWatch::Event::none));
    CHECK(watch.trouble().has_value() == trouble);
    if (watch.trouble()) {
      CHECK(to_string(*watch.trouble()) == row.trouble);
      CHECK_FALSE(likely_cause(*watch.trouble()).empty());
    }
    CHECK(watch.recent().queries == row.queries);
  }
}

TEST_CASE("trouble is told when it begins, now and then, and when it is over") {
  DnsWatch watch;
  DnsCounts counts;
  auto now = Clock::time_point(1000h);
  int began = 0;
  int lasts = 0;
  int ended = 0;
  const auto run = [&](std::chrono::minutes time, DnsFault fault) {
    for (const auto end = now + time; now < end; now += 1s) {
      ++counts.queries;
      if (fault != DnsFault::none) add(counts, fault, 1);
      switch (watch.sample(counts, now)) {
        case DnsWatch::Event::none:
          break;
        case DnsWatch::Event::began:
          ++began;
          break;
        case DnsWatch::Event::lasts:
          ++lasts;
          break;
        case DnsWatch::Event::ended:
          ++ended;
          break;
      }
    }
  };
  run(30min, DnsFault::none);
  CHECK(began + lasts + ended == 0);
  CHECK(watch.recent().queries >= 600);
  CHECK(watch.recent().queries <= 620);
  run(35min, DnsFault::timeout);
  CHECK(began == 1);
  CHECK(lasts == 2);
  CHECK(ended == 0);
  CHECK(watch.trouble() == DnsFault::timeout);
  run(30min, DnsFault::none);
  CHECK(began == 1);
  CHECK(ended == 1);
  CHECK_FALSE(watch.trouble());
  // Counts of some seconds are not looked at one by one.
  CHECK(watch.sample(counts, now + 1s) == DnsWatch::Event::none);
}
