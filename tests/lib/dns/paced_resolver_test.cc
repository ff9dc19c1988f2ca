#include <authmilter/paced_resolver.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/scripted_resolver.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using Time = QuestionRate::Clock::time_point;

DnsQuestion txt(const char* name) { return {DnsName::parse(name).value(), RrType::txt}; }

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("questions take turns") {
  QuestionRate rate(5);
  const Time start = Time() + 100s;
  CHECK(rate.reserve(start) == start);
  CHECK(rate.reserve(start) == start + 200ms);
  CHECK(rate.reserve(start) == start + 400ms);
  CHECK(rate.reserve(start + 1s) == start + 1s);
  CHECK_FALSE(rate.take(start + 1100ms));
  CHECK(rate.take(start + 1200ms));
  CHECK(rate.reserve(start + 1200ms) == start + 1400ms);
}

TEST_CASE("a pause saves up a tenth of a second") {
  QuestionRate rate(100);
  const Time start = Time() + 100s;
  CHECK(rate.take(start));
  const Time later = start + 10s;
  int at_once = 0;
  while (rate.take(later)) ++at_once;
  CHECK(at_once == 10);
  CHECK(rate.reserve(later) == later + 10ms);
}

TEST_CASE("a rate of 0 is no limit") {
  QuestionRate rate(0);
  for (int i = 0; i < 1000; ++i) {
    CHECK(rate.take(Time()));
    CHECK(rate.reserve(Time()) == Time());
  }
}

TEST_CASE("each question counts once, and is left for later where it has no turn") {
  ScriptedResolver upstream("a TXT x\nb TXT x\nc TXT x");
  QuestionRate rate(20);
  PacedResolver paced(upstream, rate);
  paced.prefetch(txt("a"));
  paced.prefetch(txt("b"));
  paced.prefetch(txt("c"));
  paced.prefetch(txt("a"));
  CHECK(upstream.prefetched_names() == Names{"a", "b"});

  const auto begun = QuestionRate::Clock::now();
  CHECK(paced.resolve(txt("a"))->status == DnsStatus::success);
  CHECK(paced.resolve(txt("b"))->status == DnsStatus::success);
  CHECK(QuestionRate::Clock::now() - begun < 40ms);
  CHECK(paced.resolve(txt("c"))->status == DnsStatus::success);
  CHECK(paced.resolve(txt("d"))->status == DnsStatus::nxdomain);
  CHECK(QuestionRate::Clock::now() - begun >= 50ms);
}

TEST_CASE("a deadline moves by what was waited for a turn") {
  ScriptedResolver upstream("");
  QuestionRate rate(20);
  PacedResolver paced(upstream, rate);
  const Deadline deadline = QuestionRate::Clock::now() + 10ms;
  for (const char* const name : {"a", "b", "c", "d"}) paced.resolve(txt(name), deadline);
  paced.resolve(txt("e"));
  REQUIRE(upstream.asked().size() == 5);
  CHECK(upstream.asked()[0].deadline == deadline);
  CHECK(upstream.asked()[3].deadline >= deadline + 40ms);
  CHECK(upstream.asked()[4].deadline == kNoDeadline);
}
