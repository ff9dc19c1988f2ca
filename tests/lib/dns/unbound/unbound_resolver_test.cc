#include <authmilter/dns_health.h>
#include <authmilter/unbound_resolver.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/locked.h"
#include "lib/dns/unbound/resolver_fixture.h"

using namespace authmilter;
using namespace test;
using namespace std::chrono_literals;

TEST_CASE("the nameservers are asked for every name and type") {
  DnsServer server(R"(
_dmarc.foo.test.        TXT  "v=DMARC1"
mx.test.                MX   20 b.test.
mx.test.                MX   10 a.test.
mx.test.                A    192.0.2.7
mx.test.                AAAA 2001:db8::7
null.test.              MX   0 .
1.2.0.192.in-addr.arpa. PTR  doc.test.
1.0.0.10.in-addr.arpa.  PTR  ten.test.
1.0.0.127.in-addr.arpa. PTR  loop.test.
8.b.d.0.1.0.0.2.ip6.arpa. PTR six.test.
x.invalid.              TXT  "invalid"
localhost.              A    192.0.2.8
x.onion.                TXT  "onion"
x.home.arpa.            TXT  "home"
a\032b\"\\\(\000\255.test. TXT "odd octets"
)");
  const auto resolver = make(options_for(server));
  const struct {
    std::string why;
    std::string name;
    RrType type;
    const char* want;
  } rows[] = {
      {"TXT", "_dmarc.foo.test", RrType::txt, "insecure [v=DMARC1]"},
      {"MX in order of preference", "mx.test", RrType::mx, "insecure 10=a.test 20=b.test"},
      {"A", "mx.test", RrType::a, "insecure 192.0.2.7"},
      {"AAAA", "mx.test", RrType::aaaa, "insecure 2001:db8::7"},
      {"null MX", "null.test", RrType::mx, "insecure 0="},
      {"no data", "mx.test", RrType::txt, "no_data"},
      {"no such name", "missing.test", RrType::txt, "nxdomain"},
      {"documentation addresses", "1.2.0.192.in-addr.arpa", RrType::ptr, "insecure doc.test"},
      {"private addresses", "1.0.0.10.in-addr.arpa", RrType::ptr, "insecure ten.test"},
      {"loopback addresses", "1.0.0.127.in-addr.arpa", RrType::ptr, "insecure loop.test"},
      {"documentation addresses, IPv6", "8.b.d.0.1.0.0.2.ip6.arpa", RrType::ptr,
       "insecure six.test"},
      {"invalid.", "x.invalid", RrType::txt, "insecure [invalid]"},
      {"localhost.", "localhost", RrType::a, "insecure 192.0.2.8"},
      {"onion.", "x.onion", RrType::txt, "insecure [onion]"},
      {"home.arpa.", "x.home.arpa", RrType::txt, "insecure [home]"},
      {"any octet in a label (RFC 7208 section 7.3)", std::string("a b\"\\(\0\xff.test", 13),
       RrType::txt, "insecure [odd octets]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(*resolver, row.name, row.type) == row.want);
  }
}

TEST_CASE("what goes wrong upstream is a temperror with its reason") {
  std::string big;
  for (int i = 0; i < 40; ++i) big += " \"" + std::string(250, 'x') + "\"";
  DnsServer server("big.test. TXT" + big + "\ncut.test. TXT \"cut\"\nslow.test. TXT \"slow\"\n",
                   {{{"broken.test", Manner::servfail},
                     {"refused.test", Manner::refused},
                     {"garbage.test", Manner::garbage},
                     {"silent.test", Manner::silent},
                     {"cut.test", Manner::truncate},
                     {"slow.test", Manner::slow}}});
  auto options = options_for(server);
  options.timeout = 1s;
  const auto resolver = make(options);
  CHECK(told(*resolver, "broken.test") == "temperror/servfail");
  CHECK(told(*resolver, "refused.test") == "temperror/servfail");
  CHECK(told(*resolver, "garbage.test") == "temperror/servfail");
  CHECK(told(*resolver, "cut.test") == "insecure [cut]");  // over TCP
  CHECK(resolver->resolve(question("big.test"))->texts().at(0).size() == 10'000);
  CHECK(told(*resolver, "slow.test") == "insecure [slow]");

  const auto waited =
      time_of([&] { CHECK(told(*resolver, "silent.test") == "temperror/timeout"); });
  CHECK(waited >= 1s);
  CHECK(waited < 4s);
  // The silence is remembered for a moment, so a burst does not wait in turn.
  CHECK(time_of([&] { CHECK(told(*resolver, "silent.test") == "temperror/timeout"); }) < 500ms);
}

TEST_CASE("an observer hears of each question that was sent, once") {
  class Counter final : public DnsObserver {
   public:
    void answered(const DnsAnswer& answer, std::chrono::microseconds after) noexcept override {
      const std::string kind(answer.status == DnsStatus::temperror ? to_string(answer.fault)
                                                                   : to_string(answer.status));
      counts_.with([&](auto& counts) { ++counts[kind]; });
      longest_.with([&](auto& longest) { longest = std::max(longest, after); });
    }
    void overloaded(DnsShare, const DnsClient&) noexcept override { ++overloads; }
    int count(const std::string& kind) {
      return counts_.with([&](auto& counts) { return counts[kind]; });
    }
    std::chrono::microseconds longest() {
      return longest_.with([](auto& longest) { return longest; });
    }
    std::atomic<int> overloads = 0;

   private:
    Locked<std::map<std::string, int>> counts_;
    Locked<std::chrono::microseconds> longest_;
  } counter;
  DnsServer server("a.test. TXT \"a\"\na.test. A 192.0.2.1\nbad.example. TXT \"bad\"\n",
                   {.manners = {{"broken.test", Manner::servfail}, {"silent.test", Manner::silent}},
                    .signs = true,
                    .badly_signed = {"bad.example"}});
  const AnchorFile anchor(server.trust_anchor());
  auto options = options_for(server);
  options.timeout = 1s;
  options.observer = &counter;
  {
    const auto resolver = make(options);
    resolver->prefetch(question("a.test"));
    for (int i = 0; i < 3; ++i) told(*resolver, "a.test");  // the last two from the cache
    told(*resolver, "a.test", RrType::mx);
    told(*resolver, "none.test");
    for (int i = 0; i < 2; ++i) told(*resolver, "broken.test");
    CHECK(counter.longest() < 1s);
    // Two wait in vain for the same answer.
    std::thread other([&] { told(*resolver, "silent.test"); });
    told(*resolver, "silent.test");
    other.join();
  }
  options.dnssec = DnssecMode::on;
  options.trust_anchor_file = anchor.path();
  told(*make(options), "bad.example");

  const struct {
    const char* kind;
    int count;
  } rows[] = {{"success", 1}, {"no_data", 1}, {"nxdomain", 1}, {"servfail", 1},
              {"timeout", 1}, {"bogus", 1},   {"limit", 0}};
  for (const auto& row : rows) {
    CAPTURE(row.kind);
    CHECK(counter.count(row.kind) == row.count);
  }
  CHECK(counter.longest() == 1s);
  CHECK(counter.overloads == 0);
}

TEST_CASE("nothing waits beyond the caller's deadline") {
  DnsServer server("quick.test. TXT \"quick\"\n", {{{"silent.test", Manner::silent}}});
  const auto resolver = make(options_for(server));
  const auto ask = [&](const char* name, Deadline deadline) {
    return told(*resolver->resolve(question(name), deadline));
  };
  const auto waited =
      time_of([&] { CHECK(ask("silent.test", Clock::now() + 50ms) == "temperror/limit"); });
  CHECK(waited >= 50ms);
  CHECK(waited < 2s);
  CHECK(ask("quick.test", Clock::now()) == "temperror/limit");
  CHECK(ask("quick.test", kNoDeadline) == "insecure [quick]");
  CHECK(ask("quick.test", Clock::now()) == "insecure [quick]");  // known, so no wait
  // Destroying it with a question open neither waits nor leaks.
  resolver->prefetch(question("silent.test", RrType::a));
}

TEST_CASE("one question is asked once, however many want to know") {
  DnsServer server("slow.test. TXT \"slow\"\nother.test. TXT \"other\"\n",
                   {{{"slow.test", Manner::slow}}});
  const auto resolver = make(options_for(server));
  resolver->prefetch(question("slow.test"));
  resolver->prefetch(question("slow.test"));
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        if (told(*resolver, "slow.test") == "insecure [slow]") ++right;
        if (told(*resolver, "n" + std::to_string(round) + ".test") == "nxdomain") ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == 8 * 400);
  CHECK(server.asked("slow.test") == 1);
  CHECK(server.asked("n7.test") == 1);
}

TEST_CASE("resolvers do not share answers") {
  DnsServer one("a.test. TXT \"one\"\n");
  DnsServer two("a.test. TXT \"two\"\n");
  const auto first = make(options_for(one));
  auto second = make(options_for(two));
  CHECK(told(*first, "a.test") == "insecure [one]");
  CHECK(told(*second, "a.test") == "insecure [two]");
  second.reset();
  CHECK(told(*first, "b.test") == "nxdomain");
}

TEST_CASE("mistakes in the options are told at once") {
  const AnchorFile nonsense("no anchor at all\n");
  const AnchorFile empty("");
  const struct {
    std::string why;
    std::string anchor;
    std::string error;
  } rows[] = {
      {"no such anchor file", "/nonexistent/root.key",
       "DNSSEC trust anchor: /nonexistent/root.key: No such file or directory"},
      {"empty anchor file", empty.path(),
       "DNSSEC trust anchor: " + empty.path() +
           ": holds no usable DS or DNSKEY record of the root"},
      {"no anchor in it", nonsense.path(),
       "DNSSEC trust anchor: " + nonsense.path() +
           ": holds no usable DS or DNSKEY record of the root"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    UnboundOptions options;
    options.nameservers = {NameServer::parse("127.0.0.1@1").value()};
    options.trust_anchor_file = row.anchor;
    options.dnssec = DnssecMode::on;
    const auto resolver = make_unbound_resolver(options);
    REQUIRE_FALSE(resolver);
    CHECK(resolver.error().message == row.error);
    // Where validation is not demanded, the lack of an anchor keeps nobody down.
    options.dnssec = DnssecMode::automatic;
    const auto automatic = make(options);
    CHECK(dnssec_notice(*automatic) == row.error + ": answers are not validated");
    CHECK(validation_status(*automatic) == ValidationStatus::off);
  }
  const auto zone = make_test_resolver("");
  CHECK(dnssec_notice(*zone) == "");
}

TEST_CASE("what one message has read from an answer, the next one does not read again") {
  struct Form {
    std::string text;
    static std::atomic<int>& made() {
      static std::atomic<int> count = 0;
      return count;
    }
    static Form parse(const DnsAnswer& answer) {
      ++made();
      return {answer.texts().front()};
    }
    std::size_t octets() const { return 0; }
  };
  DnsServer server("long.test. 3600 IN TXT \"one\"\nshort.test. 1 IN TXT \"two\"\n");
  const auto resolver = make(options_for(server));
  const auto read = [&](const char* name) {
    const auto message = resolver->for_message(DnsClient());
    return parsed<Form>(message->resolve(question(name), kNoDeadline));
  };
  const auto first = read("long.test");
  CHECK(read("long.test") == first);
  CHECK(Form::made() == 1);
  CHECK(server.asked("long.test") == 1);

  // Once its time to live is over there is a new answer.
  const auto old = read("short.test");
  const int before = Form::made();
  wait_for([&] { return read("short.test") != old; });
  CHECK(Form::made() == before + 1);
  CHECK(old->text == "two");
}

TEST_CASE("an answer that is at hand is known, and nobody is asked for another") {
  DnsServer server("a.test. TXT \"one\"\nb.test. TXT \"two\"\n");
  const auto resolver = make(options_for(server));
  const auto message = resolver->for_message(DnsClient());
  CHECK(resolver->known(question("a.test")) == nullptr);
  CHECK(message->known(question("a.test")) == nullptr);
  message->prefetch(question("a.test"));
  wait_for([&] { return message->known(question("a.test")) != nullptr; });
  CHECK(told(*message->known(question("a.test"))) == "insecure [one]");
  CHECK(message->known(question("a.test")) == resolver->known(question("a.test")));
  CHECK(message->known(question("b.test")) == nullptr);
  CHECK(server.asked("a.test") == 1);
  CHECK(server.asked("b.test") == 0);
}

TEST_CASE("more questions than a context begins with do not wait for each other") {
  std::map<std::string, Manner> manners = {{".silent", Manner::silent}};
  DnsServer server("a.test. TXT \"one\"\nb.test. TXT \"two\"\n", {manners});
  const auto resolver = make(options_for(server));
  std::vector<std::unique_ptr<Resolver>> messages;
  for (int i = 0; i < 400; ++i) {
    // Each from a network of its own, and below a domain of its own.
    const auto client =
        IpAddress::parse("10." + std::to_string(i / 200) + "." + std::to_string(i % 200) + ".1");
    messages.push_back(resolver->for_message(DnsClient(client)));
    messages.back()->prefetch(question("x.n" + std::to_string(i) + ".silent"));
  }
  CHECK(told(*resolver, "a.test") == "insecure [one]");
  messages.clear();
  CHECK(told(*resolver, "b.test") == "insecure [two]");
}
