#include <authmilter/budget_resolver.h>
#include <authmilter/recording_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "support/scripted_resolver.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

DnsQuestion txt(const char* name) { return {DnsName::parse(name).value(), RrType::txt}; }

Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

/// Answers with `status` after `delay` or at the deadline.
struct Upstream {
  DnsStatus status = DnsStatus::success;
  DnsFault fault = DnsFault::none;
  std::chrono::milliseconds delay{0};
  std::vector<std::string> ready;  // answered at once
  ScriptedResolver resolver{
      "", [this](const DnsQuestion& question, Deadline deadline) {
        if (std::find(ready.begin(), ready.end(), question.name.text()) == ready.end()) {
          if (auto late = ScriptedResolver::after(delay, deadline)) return late;
        }
        return ScriptedResolver::status(status, fault);
      }};
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a message may ask so many different questions and no more") {
  Upstream upstream;
  BudgetResolver budget(upstream.resolver, 2, 1s);
  CHECK(budget.resolve(txt("a"))->status == DnsStatus::success);
  CHECK(budget.resolve(txt("a"))->status == DnsStatus::success);
  CHECK(budget.resolve(txt("b"))->status == DnsStatus::success);
  CHECK(budget.queries() == 2);
  CHECK_FALSE(budget.limit_reached());

  const auto refused = budget.resolve(txt("c"));
  CHECK(refused->status == DnsStatus::temperror);
  CHECK(refused->fault == DnsFault::limit);
  CHECK(budget.limit_reached());
  CHECK(budget.queries() == 2);
  CHECK(budget.resolve(txt("b"))->status == DnsStatus::success);
  CHECK(upstream.resolver.names() == Names{"a", "b"});
}

TEST_CASE("a prefetch spends the budget, once") {
  Upstream upstream;
  BudgetResolver budget(upstream.resolver, 2, 1s);
  budget.prefetch(txt("a"));
  budget.prefetch(txt("a"));
  budget.prefetch(txt("b"));
  budget.prefetch(txt("c"));
  CHECK(upstream.resolver.prefetched_names() == Names{"a", "b"});
  CHECK(budget.queries() == 2);
  CHECK(budget.resolve(txt("a"))->status == DnsStatus::success);
  budget.prefetch(txt("a"));
  CHECK(budget.queries() == 2);
  CHECK(budget.resolve(txt("c"))->fault == DnsFault::limit);
  CHECK(upstream.resolver.prefetched_names() == Names{"a", "b"});
}

TEST_CASE("a fresh question is asked again, and counts once") {
  Upstream upstream;
  BudgetResolver budget(upstream.resolver, 1, 1s);
  RecordingResolver recording(budget);
  CHECK(recording.resolve(txt("a"))->status == DnsStatus::success);
  upstream.status = DnsStatus::nxdomain;
  CHECK(recording.resolve(txt("a"))->status == DnsStatus::success);
  CHECK(recording.resolve(txt("a"), in(1s), Freshness::fresh)->status == DnsStatus::nxdomain);
  CHECK(recording.resolve(txt("a"))->status == DnsStatus::nxdomain);
  REQUIRE(upstream.resolver.asked().size() == 2);
  CHECK(upstream.resolver.asked()[0].freshness == Freshness::cached);
  CHECK(upstream.resolver.asked()[1].freshness == Freshness::fresh);
  CHECK(budget.resolve(txt("b"), in(1s), Freshness::fresh)->fault == DnsFault::limit);
}

TEST_CASE("a failure is remembered like every answer") {
  Upstream upstream;
  upstream.status = DnsStatus::temperror;
  upstream.fault = DnsFault::timeout;
  BudgetResolver budget(upstream.resolver, 5, 1s);
  CHECK(budget.resolve(txt("a"))->fault == DnsFault::timeout);
  upstream.status = DnsStatus::success;
  CHECK(budget.resolve(txt("a"))->fault == DnsFault::timeout);
  CHECK(upstream.resolver.names() == Names{"a"});
}

TEST_CASE("nothing is asked once the message's time is used up, but answers stay") {
  Upstream upstream;
  BudgetResolver budget(upstream.resolver, 5, 20ms);
  CHECK(budget.resolve(txt("a"))->status == DnsStatus::success);
  upstream.delay = 50ms;
  CHECK(budget.resolve(txt("slow"))->fault == DnsFault::limit);
  budget.prefetch(txt("b"));
  CHECK(budget.resolve(txt("b"))->fault == DnsFault::limit);
  CHECK(budget.limit_reached());
  CHECK(budget.resolve(txt("a"))->status == DnsStatus::success);
  CHECK(upstream.resolver.names() == Names{"a", "slow"});
  CHECK(upstream.resolver.prefetched().empty());
}

TEST_CASE("what was asked for in time counts when it is there, however late it is needed (A69)") {
  Upstream upstream;
  BudgetResolver budget(upstream.resolver, 5, 20ms);
  budget.prefetch(txt("answered"));
  budget.prefetch(txt("open"));
  upstream.delay = 50ms;
  CHECK(budget.resolve(txt("slow"))->fault == DnsFault::limit);
  upstream.ready = {"answered"};
  const auto began = std::chrono::steady_clock::now();
  CHECK(budget.resolve(txt("answered"))->status == DnsStatus::success);
  CHECK(budget.resolve(txt("open"))->fault == DnsFault::limit);
  CHECK(budget.limit_reached());
  CHECK(std::chrono::steady_clock::now() - began < 20ms);
}

TEST_CASE("only waiting counts: a sender that dawdles over the body uses nothing up") {
  Upstream upstream;
  BudgetResolver budget(upstream.resolver, 5, 20ms);
  std::this_thread::sleep_for(30ms);
  CHECK(budget.resolve(txt("a"))->status == DnsStatus::success);
  CHECK_FALSE(budget.limit_reached());
}

TEST_CASE("the shorter of the message's time and the caller's deadline counts") {
  Upstream upstream;
  upstream.delay = 30ms;
  SUBCASE("the message's") {
    BudgetResolver budget(upstream.resolver, 5, 10ms);
    CHECK(budget.resolve(txt("a"), in(10s))->fault == DnsFault::limit);
    CHECK(budget.limit_reached());
    CHECK(budget.waited() >= 5ms);
    CHECK(budget.waited() < 5s);
  }
  SUBCASE("the caller's, after which another may try again") {
    BudgetResolver budget(upstream.resolver, 5, 10s);
    CHECK(budget.resolve(txt("a"), in(10ms))->fault == DnsFault::limit);
    CHECK_FALSE(budget.limit_reached());
    CHECK(budget.resolve(txt("a"), in(10s))->status == DnsStatus::success);
    CHECK(budget.queries() == 1);
  }
}

TEST_CASE("a recording holds each question and its answer in order") {
  Upstream upstream;
  RecordingResolver recording(upstream.resolver);
  recording.prefetch(txt("z"));
  recording.resolve(txt("b"));
  recording.resolve(txt("a"));
  recording.resolve(txt("b"));
  REQUIRE(recording.entries().size() == 2);
  CHECK(recording.entries()[0].question == txt("b"));
  CHECK(recording.entries()[0].answer->status == DnsStatus::success);
  CHECK(recording.entries()[1].question == txt("a"));
  CHECK(upstream.resolver.prefetched_names() == Names{"z"});

  upstream.status = DnsStatus::temperror;
  recording.resolve(txt("a"));
  CHECK(recording.entries().size() == 3);
}
