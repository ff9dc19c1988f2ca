#include <authmilter/unbound_resolver.h>

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/locked.h"
#include "lib/dns/unbound/resolver_fixture.h"

using namespace authmilter;
using namespace test;
using namespace std::chrono_literals;

TEST_CASE("what a message has asked for stays with it (A192)") {
  DnsServer server("zero.test. 0 TXT \"zero\"\nkept.test. TXT \"kept\"\n");
  auto options = options_for(server);
  options.cache_octets = 1 << 10;  // of which a part is too small for any answer
  const auto resolver = make(options);
  const struct {
    std::string why;
    const char* name;
    const char* answer;
  } rows[] = {
      {"a time to live of zero", "zero.test", "insecure [zero]"},
      {"nothing fits into the cache", "kept.test", "insecure [kept]"},
      {"no such name", "none.test", "nxdomain"},
  };
  // How often the server has been asked, once it has answered a later question: where libunbound
  // was impatient, it has asked again before it had the answer, and that may still be on its way.
  auto asked_at_last = [&, number = 0](const char* name) mutable {
    told(*resolver, "later" + std::to_string(++number) + ".test");
    return server.asked(name);
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto message = resolver->for_message(DnsClient());
    message->prefetch(question(row.name));
    const auto end = Clock::now() + 10s;
    std::string answer;
    do {
      answer = told(*message->resolve(question(row.name), Clock::now()));
    } while (answer == "temperror/limit" && Clock::now() < end);
    CHECK(answer == row.answer);
    const int asked = asked_at_last(row.name);
    CHECK(told(*message, row.name) == row.answer);
    CHECK(asked_at_last(row.name) == asked);
  }
}

TEST_CASE("a fresh question goes past every cache of ours") {
  DnsServer server("a.example. 3600 TXT \"a\"\n", {.signs = true});
  const AnchorFile anchor(server.trust_anchor());
  const struct {
    DnssecMode dnssec;
    const char* answer;
  } rows[] = {{DnssecMode::off, "insecure [a]"}, {DnssecMode::on, "secure [a]"}};
  for (const auto& row : rows) {
    CAPTURE(row.answer);
    auto options = options_for(server);
    options.dnssec = row.dnssec;
    options.trust_anchor_file = anchor.path();
    const auto resolver = make(options);
    const auto message = resolver->for_message(DnsClient());
    for (Resolver* one : {resolver.get(), message.get()}) {
      CHECK(told(*one, "a.example") == row.answer);
      const int asked = server.asked("a.example");
      CHECK(told(*one, "a.example") == row.answer);
      CHECK(server.asked("a.example") == asked);
      for (int i = 1; i <= 2; ++i) {
        const auto answer = one->resolve(question("a.example"), kNoDeadline, Freshness::fresh);
        CHECK(told(*answer) == row.answer);
        CHECK(server.asked("a.example") >= asked + i);
      }
    }
  }
}

TEST_CASE("no lookup lives longer than a query may, however many wait for it in turn") {
  DnsServer server("", {{{"silent.test", Manner::silent}}});
  auto options = options_for(server);
  options.timeout = 1s;
  const auto resolver = make(options);
  const auto message = resolver->for_message(DnsClient());
  message->prefetch(question("silent.test"));
  std::this_thread::sleep_for(600ms);
  const auto waited = time_of([&] { CHECK(told(*message, "silent.test") == "temperror/timeout"); });
  CHECK(waited < 900ms);
}

TEST_CASE("messages that were given up take nothing from others (A191)") {
  class Counter final : public DnsObserver {
   public:
    void answered(const DnsAnswer&, std::chrono::microseconds) noexcept override {}
    void overloaded(DnsShare, const DnsClient&) noexcept override { ++overloads; }
    std::atomic<int> overloads = 0;
  } counter;
  DnsServer server("honest.example. TXT \"honest\"\n", {{{".attack.com", Manner::silent}}});
  auto options = options_for(server);
  options.timeout = 2s;
  options.observer = &counter;
  const auto resolver = make(options);
  const auto slow = [](int i) {
    return question("n" + std::to_string(i) + ".p" + std::to_string(i % 50) + ".attack.com");
  };
  SUBCASE("begun ahead of need, by clients from everywhere") {
    for (int i = 0; i < 2500; ++i) {
      const auto client = IpAddress::parse("10." + std::to_string(i % 200) + ".0.1");
      resolver->for_message(DnsClient(client))->prefetch(slow(i));
    }
  }
  SUBCASE("waited for, in the end in vain") {
    std::vector<std::unique_ptr<Resolver>> messages;
    for (int i = 0; i < 450; ++i) {
      messages.push_back(resolver->for_message(
          DnsClient(IpAddress::parse("10." + std::to_string(i % 9) + ".0.1"))));
      messages.back()->resolve(slow(i), Clock::now() + 1ms);
    }
  }
  const auto asker = resolver->for_message(DnsClient(IpAddress::parse("192.0.2.1")));
  const auto waited =
      time_of([&] { CHECK(told(*asker, "honest.example") == "insecure [honest]"); });
  CHECK(waited < 2s);
  for (int i = 0; i < 10; ++i) {
    CHECK(told(*asker, "n" + std::to_string(i) + ".honest.example") == "nxdomain");
    std::this_thread::sleep_for(50ms);
  }
  CHECK(counter.overloads == 0);
}

TEST_CASE("who uses a share up is told, and nobody else is (A198)") {
  class Counter final : public DnsObserver {
   public:
    void answered(const DnsAnswer&, std::chrono::microseconds) noexcept override {}
    void overloaded(DnsShare share, const DnsClient& client) noexcept override {
      told_.with([&](auto& told) {
        ++told[std::string(to_string(share)) + " " + client.address()->text()];
      });
    }
    std::map<std::string, int> told() {
      return told_.with([](const auto& told) { return told; });
    }

   private:
    Locked<std::map<std::string, int>> told_;
  } counter;
  DnsServer server("honest.example. TXT \"honest\"\n", {{{".attack.com", Manner::silent}}});
  auto options = options_for(server);
  options.timeout = 20s;
  options.observer = &counter;
  const auto resolver = make(options);
  const DnsClient attacker(IpAddress::parse("203.0.113.66"));
  std::atomic<int> overloads = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 260; ++i) {
    threads.emplace_back([&, i] {
      const auto message = resolver->for_message(attacker);
      const auto answer = message->resolve(question("a." + std::to_string(i) + ".attack.com"));
      if (answer->fault == DnsFault::overload) ++overloads;
    });
  }
  const auto end = Clock::now() + 15s;
  while (overloads < 10 && Clock::now() < end) std::this_thread::sleep_for(1ms);
  const auto asker = resolver->for_message(DnsClient(IpAddress::parse("203.0.113.67")));
  CHECK(told(*asker, "honest.example") == "insecure [honest]");
  server.change(".attack.com", Manner::answer);  // when libunbound asks again
  for (auto& thread : threads) thread.join();
  CHECK(overloads == 10);
  CHECK(counter.told() == std::map<std::string, int>{{"client 203.0.113.66", 10}});
}
