#include <authmilter/dns_health.h>
#include <authmilter/unbound_resolver.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/locked.h"
#include "lib/dns/unbound/dns_server.h"
#include "support/records_text.h"
#include "support/temporary_folder.h"

using namespace authmilter;
using namespace std::chrono_literals;
using test::DnsServer;
using test::Manner;

namespace {

using Clock = std::chrono::steady_clock;

DnsQuestion question(const std::string& name, RrType type = RrType::txt) {
  return {DnsName::parse(name).value(), type};
}

std::string told(const DnsAnswer& answer) {
  if (answer.status == DnsStatus::temperror)
    return "temperror/" + std::string(to_string(answer.fault));
  if (answer.status != DnsStatus::success) return std::string(to_string(answer.status));
  std::string line = answer.secure ? "secure" : "insecure";
  if (!answer.records.empty()) line += " " + records_text(answer);
  return line;
}

std::string told(Resolver& resolver, const std::string& name, RrType type = RrType::txt) {
  return told(*resolver.resolve(question(name, type)));
}

UnboundOptions options_for(const DnsServer& server) {
  UnboundOptions options;
  options.nameservers = {server.address()};
  options.dnssec = DnssecMode::off;
  return options;
}

std::unique_ptr<Resolver> make(const UnboundOptions& options) {
  auto resolver = make_unbound_resolver(options);
  if (!resolver) throw std::runtime_error(resolver.error().message);
  return std::move(*resolver);
}

/// A file with this text, which may be the server's key.
class TextFile {
 public:
  explicit TextFile(const std::string& text) { write(text); }
  void write(const std::string& text) { folder_.write("file", text); }
  void remove() { std::filesystem::remove(folder_.path() / "file"); }
  std::string path() const { return (folder_.path() / "file").string(); }

 private:
  TemporaryFolder folder_;
};
using AnchorFile = TextFile;

/// Until `happened` says so; never longer than a minute.
template <class Happened>
void wait_for(Happened happened) {
  const auto end = Clock::now() + 60s;
  while (!happened() && Clock::now() < end) std::this_thread::sleep_for(10ms);
  CHECK(Clock::now() < end);
}

template <class Body>
Clock::duration time_of(Body body) {
  const auto begin = Clock::now();
  body();
  return Clock::now() - begin;
}

}  // namespace

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

TEST_CASE("validation by the upstream's signatures (RFC 4035)") {
  const std::string zone = R"(
good.example.  TXT "signed"
bad.example.   TXT "forged"
plain.test.    TXT "no signature, and none expected"
2.2.0.192.in-addr.arpa. PTR plain.test.
)";
  DnsServer::Options signing;
  signing.signs = true;
  signing.badly_signed = {"bad.example"};
  DnsServer signs(zone, signing);
  DnsServer refuses(zone);
  DnsServer strips(zone, signing);
  strips.change(DnsServer::Signatures::strip);
  const AnchorFile anchor(signs.trust_anchor());
  const struct {
    std::string why;
    DnsServer& server;
    DnssecMode mode;
    const char* good;
    const char* bad;
    const char* notice;
  } rows[] = {
      {"automatic, signatures arrive", signs, DnssecMode::automatic, "secure [signed]",
       "temperror/bogus", ""},
      {"automatic, signatures are stripped", strips, DnssecMode::automatic, "insecure [signed]",
       "insecure [forged]", "nameservers strip DNSSEC signatures: answers are not validated"},
      {"automatic, the root is refused", refuses, DnssecMode::automatic, "insecure [signed]",
       "insecure [forged]",
       "nameservers answer, but not for the DNSSEC keys of the root: answers are not validated"},
      {"on, signatures arrive", signs, DnssecMode::on, "secure [signed]", "temperror/bogus", ""},
      {"on, signatures are stripped", strips, DnssecMode::on, "temperror/bogus", "temperror/bogus",
       ""},
      {"off", signs, DnssecMode::off, "insecure [signed]", "insecure [forged]", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto options = options_for(row.server);
    options.dnssec = row.mode;
    options.trust_anchor_file = anchor.path();
    const auto resolver = make(options);
    CHECK(time_of([&] { CHECK(told(*resolver, "good.example") == row.good); }) < 1s);
    CHECK(told(*resolver, "bad.example") == row.bad);
    CHECK(told(*resolver, "plain.test") == "insecure [no signature, and none expected]");
    CHECK(told(*resolver, "2.2.0.192.in-addr.arpa", RrType::ptr) == "insecure plain.test");
    CHECK(dnssec_notice(*resolver) == row.notice);
    CHECK(dnssec_notice(*resolver) == "");
  }
}

TEST_CASE("an upstream that does not answer decides nothing about validation") {
  DnsServer::Options options;
  options.signs = true;
  options.manners = {{"", Manner::servfail}, {"good.example", Manner::servfail}};
  DnsServer server("good.example. TXT \"signed\"\nlate.example. TXT \"signed\"\n", options);
  const AnchorFile anchor(server.trust_anchor());
  auto automatic = options_for(server);
  automatic.dnssec = DnssecMode::automatic;
  automatic.trust_anchor_file = anchor.path();
  const auto resolver = make(automatic);
  CHECK(told(*resolver, "good.example") == "temperror/servfail");
  server.change("", Manner::answer);
  CHECK(told(*resolver, "late.example") == "secure [signed]");
  CHECK(dnssec_notice(*resolver) == "");
}

TEST_CASE("an upstream that keeps silent about the root delays the first answer only") {
  DnsServer server("a.test. TXT \"a\"\nb.test. TXT \"b\"\n", {{{"", Manner::silent}}});
  const AnchorFile anchor(server.trust_anchor());
  auto automatic = options_for(server);
  automatic.dnssec = DnssecMode::automatic;
  automatic.trust_anchor_file = anchor.path();
  const auto resolver = make(automatic);
  CHECK(time_of([&] { CHECK(told(*resolver, "a.test") == "insecure [a]"); }) < 3s);
  CHECK(time_of([&] { CHECK(told(*resolver, "b.test") == "insecure [b]"); }) < 1s);
  CHECK(dnssec_notice(*resolver) != "");
}

TEST_CASE("A197: an upstream that validates the root only (RFC 4035 section 5)") {
  DnsServer::Options signing;
  signing.signs = true;
  signing.badly_signed = {"bad.example"};
  DnsServer server(
      "good.example. TXT \"signed\"\nbad.example. TXT \"forged\"\n"
      "a.example. TXT \"a\"\nb.example. TXT \"b\"\n",
      signing);
  server.change(DnsServer::Signatures::cut_off);
  const AnchorFile anchor(server.trust_anchor());
  auto automatic = options_for(server);
  automatic.dnssec = DnssecMode::automatic;
  automatic.trust_anchor_file = anchor.path();
  const auto resolver = make(automatic);
  CHECK(validation_status(*resolver) == ValidationStatus::undecided);
  CHECK(told(*resolver, "good.example") == "insecure [signed]");
  CHECK(validation_status(*resolver) == ValidationStatus::off);
  CHECK(dnssec_notice(*resolver) ==
        "nameservers pass the DNSSEC keys of the root, but not what leads below it (DS, DNSKEY): "
        "answers are not validated");

  // The administrator mends it and reloads.
  server.change(DnsServer::Signatures::pass);
  CHECK(told(*resolver, "a.example") == "insecure [a]");
  REQUIRE(renew_upstream(*resolver));
  wait_for([&] { return validation_status(*resolver) == ValidationStatus::on; });
  CHECK(told(*resolver, "b.example") == "secure [b]");
  CHECK(told(*resolver, "bad.example") == "temperror/bogus");
  CHECK(dnssec_notice(*resolver) == "nameservers pass DNSSEC signatures: answers are validated");
}

TEST_CASE("A197: an upstream that changes under a running daemon is noticed, a bogus zone is not") {
  std::string zone;
  for (int i = 0; i < 40; ++i)
    zone += "n" + std::to_string(i) + ".tld" + std::to_string(i) + ". TXT \"x\"\n";
  DnsServer::Options signing;
  signing.signs = true;
  for (int i = 0; i < 20; ++i)
    signing.badly_signed.push_back("n" + std::to_string(i) + ".tld" + std::to_string(i));
  DnsServer server(zone, signing);
  const AnchorFile anchor(server.trust_anchor());
  for (const DnssecMode mode : {DnssecMode::automatic, DnssecMode::on}) {
    server.change(DnsServer::Signatures::pass);
    auto options = options_for(server);
    options.dnssec = mode;
    options.trust_anchor_file = anchor.path();
    const auto resolver = make(options);
    CHECK(told(*resolver, "n39.tld39") == "secure [x]");
    // Strangers' zones, under as many top-level domains as they like.
    for (int i = 0; i < 20; ++i) {
      const std::string name = "n" + std::to_string(i) + ".tld" + std::to_string(i);
      CHECK(told(*resolver, name) == "temperror/bogus");
    }
    CHECK(told(*resolver, "n20.tld20") == "secure [x]");
    CHECK(validation_status(*resolver) == ValidationStatus::on);
    CHECK(dnssec_notice(*resolver) == "");

    // Now it is the upstream itself. The bogus answers are not believed, but they are the last.
    server.change(DnsServer::Signatures::strip);
    REQUIRE(renew_upstream(*resolver));
    if (mode == DnssecMode::on) {
      for (int i = 21; i < 26; ++i) {
        const std::string name = "n" + std::to_string(i) + ".tld" + std::to_string(i);
        CHECK(told(*resolver, name) == "temperror/bogus");
      }
      CHECK(validation_status(*resolver) == ValidationStatus::on);
      continue;
    }
    wait_for([&] { return validation_status(*resolver) == ValidationStatus::off; });
    CHECK(told(*resolver, "n30.tld30") == "insecure [x]");
    CHECK(dnssec_notice(*resolver) ==
          "nameservers strip DNSSEC signatures: answers are not validated");
  }
}

TEST_CASE("resolv.conf(5): the system's name servers, and other ones when it changes") {
  DnsServer one("a.example. TXT \"one\"\nb.example. TXT \"one\"\n",
                {.port = 53, .host = "127.0.0.51"});
  DnsServer two("a.example. TXT \"two\"\nb.example. TXT \"two\"\n",
                {.port = 53, .host = "127.0.0.52"});
  TextFile file(
      "nameserver\nnameserver ns.example.org\nnameserver 127.0.0.51:53\nnameserver 127.0.0.51\n");
  UnboundOptions options;
  options.dnssec = DnssecMode::off;
  options.resolv_conf = file.path();
  const auto resolver = make(options);
  CHECK(told(*resolver, "a.example") == "insecure [one]");
  const std::string prefix = file.path() + ": line ";
  CHECK(dnssec_notice(*resolver) == prefix + "1: names no address");
  CHECK(dnssec_notice(*resolver) == prefix + "2: \"ns.example.org\" is not an address");
  CHECK(dnssec_notice(*resolver) == prefix + "3: \"127.0.0.51:53\" is not an address");
  CHECK(dnssec_notice(*resolver) == "");

  file.write("nameserver 127.0.0.52\n");
  REQUIRE(renew_upstream(*resolver));  // a reload looks at once
  CHECK(told(*resolver, "b.example") == "insecure [two]");
  CHECK(dnssec_notice(*resolver) == file.path() + " has changed: asking 127.0.0.52");

  // Without a reload it is seen within seconds, by the next question.
  file.write("nameserver 127.0.0.51\n");
  wait_for([&] {
    static int number = 0;
    told(*resolver, "n" + std::to_string(++number) + ".example");
    return dnssec_notice(*resolver) == file.path() + " has changed: asking 127.0.0.51";
  });
}

TEST_CASE("a resolv.conf without a usable line means the server on this host") {
  for (const char* text : {"", "nameserver\n", "nameserver 192.0.2.1:53\n"}) {
    CAPTURE(text);
    TextFile file(text);
    if (*text == 0) file.remove();
    UnboundOptions options;
    options.resolv_conf = file.path();
    options.timeout = 300ms;
    const auto resolver = make(options);
    told(*resolver, "a.example");  // whatever is there
  }
}

TEST_CASE("trust anchors that change at a reload") {
  DnsServer::Options signing;
  signing.signs = true;
  DnsServer server("a.example. TXT \"a\"\nb.example. TXT \"b\"\nc.example. TXT \"c\"\n", signing);
  for (const DnssecMode mode : {DnssecMode::automatic, DnssecMode::on}) {
    AnchorFile anchor(server.trust_anchor());
    auto options = options_for(server);
    options.dnssec = mode;
    options.trust_anchor_file = anchor.path();
    const auto resolver = make(options);
    CHECK(told(*resolver, "a.example") == "secure [a]");
    anchor.write("; nothing\n");
    const auto renewed = renew_upstream(*resolver);
    const std::string error = "DNSSEC trust anchor: " + anchor.path() +
                              ": holds no usable DS or DNSKEY record of the root";
    CHECK(static_cast<bool>(renewed) == (mode == DnssecMode::automatic));
    if (!renewed) CHECK(renewed.error().message == error);
    CHECK(dnssec_notice(*resolver) ==
          (mode == DnssecMode::on ? "" : error + ": the one in force stays"));
    CHECK(told(*resolver, "b.example") == "secure [b]");
  }
  // One that comes only later.
  AnchorFile anchor("");
  auto options = options_for(server);
  options.dnssec = DnssecMode::automatic;
  options.trust_anchor_file = anchor.path();
  const auto resolver = make(options);
  CHECK(told(*resolver, "a.example") == "insecure [a]");
  anchor.write(server.trust_anchor());
  REQUIRE(renew_upstream(*resolver));
  wait_for([&] { return validation_status(*resolver) == ValidationStatus::on; });
  CHECK(told(*resolver, "b.example") == "secure [b]");
}

TEST_CASE("mistakes in the options are told at once") {
  const AnchorFile nonsense("no anchor at all\n");
  const AnchorFile empty("");
  const struct {
    std::string why;
    std::string nameserver;
    std::string anchor;
    std::string error;
  } rows[] = {
      {"a name", "ns.test", "", "nameserver \"ns.test\" is not ADDRESS or ADDRESS@PORT"},
      {"port zero", "192.0.2.53@0", "",
       "nameserver \"192.0.2.53@0\" is not ADDRESS or ADDRESS@PORT"},
      {"port too high", "::1@65536", "", "nameserver \"::1@65536\" is not ADDRESS or ADDRESS@PORT"},
      {"port with a colon", "127.0.0.1:53", "",
       "nameserver \"127.0.0.1:53\" is not ADDRESS or ADDRESS@PORT"},
      {"no such anchor file", "127.0.0.1@1", "/nonexistent/root.key",
       "DNSSEC trust anchor: /nonexistent/root.key: No such file or directory"},
      {"empty anchor file", "127.0.0.1@1", empty.path(),
       "DNSSEC trust anchor: " + empty.path() +
           ": holds no usable DS or DNSKEY record of the root"},
      {"no anchor in it", "127.0.0.1@1", nonsense.path(),
       "DNSSEC trust anchor: " + nonsense.path() +
           ": holds no usable DS or DNSKEY record of the root"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    UnboundOptions options;
    options.nameservers = {row.nameserver};
    options.trust_anchor_file = row.anchor;
    options.dnssec = row.anchor.empty() ? DnssecMode::off : DnssecMode::on;
    const auto resolver = make_unbound_resolver(options);
    REQUIRE_FALSE(resolver);
    CHECK(resolver.error().message == row.error);
    // Where validation is not demanded, the lack of an anchor keeps nobody down.
    if (row.anchor.empty()) continue;
    options.dnssec = DnssecMode::automatic;
    const auto automatic = make(options);
    CHECK(dnssec_notice(*automatic) == row.error + ": answers are not validated");
    CHECK(validation_status(*automatic) == ValidationStatus::off);
  }
  const auto zone = make_test_resolver("");
  CHECK(dnssec_notice(*zone) == "");
}
