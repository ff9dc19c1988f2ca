#include "dns/unbound/lookups.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace authmilter;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

DnsQuestion txt(const std::string& name) { return {DnsName::parse(name).value(), RrType::txt}; }

DnsClient client(const std::string& address) { return DnsClient(IpAddress::parse(address)); }
const DnsClient kAnyone = client("192.0.2.1");

DnsAnswerRef nxdomain() {
  DnsAnswer answer;
  answer.status = DnsStatus::nxdomain;
  return std::make_shared<const DnsAnswer>(answer);
}

/// A table of so many places, with shares as large as it.
PlaceLimits table_of(std::size_t waiting, std::size_t ahead) {
  const PlaceLimits::Share all{waiting, ahead};
  return {all, all, all, all, all};
}

std::size_t in_table(const Lookups& lookups, Use use) {
  return lookups.count({DnsShare::table, {}}, use);
}

using Interests = std::vector<Lookups::Interest>;

/// Asks for `count` names of its own and keeps the interests. The share that was used up, if any.
std::optional<DnsShare> ask(Lookups& lookups, Interests& kept, int count, const DnsClient& who,
                            Use use, const std::string& below) {
  static int names = 0;
  for (int i = 0; i < count; ++i) {
    auto joined =
        lookups.join(txt("n" + std::to_string(++names) + "." + below), who, use, Clock::now());
    if (joined.refused) return joined.refused;
    kept.push_back(std::move(joined.interest));
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("who asks what is under way joins") {
  Lookups lookups(5s);
  const auto now = Clock::now();
  const auto first = lookups.join(txt("a.test"), kAnyone, Use::waiting, now);
  CHECK(first.is_new);
  const auto again = lookups.join(txt("a.test"), client("192.0.2.2"), Use::waiting, now);
  CHECK_FALSE(again.is_new);
  CHECK(again.interest.lookup() == first.interest.lookup());
  CHECK(lookups.join({txt("a.test").name, RrType::a}, kAnyone, Use::waiting, now).is_new);
  // What is under way may be answered from a cache.
  CHECK(lookups.join(txt("a.test"), kAnyone, Use::waiting, now, Freshness::fresh).is_new);

  lookups.finish(first.interest.lookup(), nxdomain());
  CHECK(again.interest.lookup()->wait_until(now)->status == DnsStatus::nxdomain);
  CHECK(lookups.join(txt("a.test"), kAnyone, Use::waiting, now).is_new);
}

TEST_CASE("a lookup is waited for until it is over or the time has come") {
  Lookups lookups(5s);
  const auto joined = lookups.join(txt("a.test"), kAnyone, Use::waiting, Clock::now());
  const LookupRef lookup = joined.interest.lookup();
  CHECK(lookup->wait_until(Clock::now() + 5ms) == nullptr);
  std::thread other([&] { lookups.finish(lookup, nxdomain()); });
  CHECK(lookup->wait_until(Clock::now() + 10s) != nullptr);
  other.join();

  const auto open = lookups.join(txt("b.test"), kAnyone, Use::waiting, Clock::now());
  lookups.finish_all(nxdomain());
  CHECK(open.interest.lookup()->wait_until(Clock::now()) != nullptr);
  CHECK(in_table(lookups, Use::waiting) == 0);
}

TEST_CASE("a lookup ends with the last interest in it") {
  Lookups lookups(5s);
  const auto now = Clock::now();
  auto first = lookups.join(txt("a.test"), kAnyone, Use::ahead, now);
  auto second = lookups.join(txt("a.test"), kAnyone, Use::waiting, now);
  const LookupRef lookup = first.interest.lookup();
  CHECK(in_table(lookups, Use::waiting) == 1);
  CHECK(in_table(lookups, Use::ahead) == 0);

  second.interest.stop_waiting();
  CHECK(in_table(lookups, Use::waiting) == 0);
  CHECK(in_table(lookups, Use::ahead) == 1);
  second.interest.end();
  CHECK_FALSE(lookup->is_over());
  first.interest = Lookups::Interest();
  CHECK(lookup->is_over());
  CHECK(lookup->answer() == nullptr);
  CHECK(in_table(lookups, Use::ahead) == 0);
  CHECK(in_table(lookups, Use::left_over) == 1);

  // Another message that asks begins anew; the end of the old one is not its end.
  const auto third = lookups.join(txt("a.test"), kAnyone, Use::waiting, now);
  CHECK(third.is_new);
  lookups.finish(lookup, nxdomain());
  CHECK(in_table(lookups, Use::left_over) == 0);
  CHECK_FALSE(third.interest.lookup()->is_over());
}

TEST_CASE("a lookup lives no longer than it may, whoever holds it") {
  Lookups lookups(100ms);
  const auto now = Clock::now();
  const auto old = lookups.join(txt("old.test"), kAnyone, Use::ahead, now);
  const auto young = lookups.join(txt("young.test"), kAnyone, Use::ahead, now + 50ms);
  CHECK(lookups.overdue(now + 99ms).empty());
  REQUIRE(lookups.overdue(now + 100ms).size() == 1);
  CHECK(lookups.overdue(now + 100ms)[0] == old.interest.lookup());
  CHECK(lookups.expire(old.interest.lookup(), nxdomain()));
  CHECK_FALSE(lookups.expire(old.interest.lookup(), nxdomain()));
  CHECK(old.interest.lookup()->answer() != nullptr);
  CHECK(in_table(lookups, Use::ahead) == 1);
}

TEST_CASE("a full table refuses, and gives up what nobody waits for before that (A191)") {
  Lookups lookups(5s, table_of(4, 2));
  Interests ahead;
  Interests waiting;
  CHECK(ask(lookups, ahead, 3, kAnyone, Use::ahead, "ahead.test") == DnsShare::client);
  CHECK(ahead.size() == 2);
  CHECK(ask(lookups, waiting, 2, kAnyone, Use::waiting, "waiting.test") == std::nullopt);
  CHECK_FALSE(ahead[0].lookup()->is_over());
  CHECK(ask(lookups, waiting, 1, kAnyone, Use::waiting, "waiting.test") == std::nullopt);
  CHECK(ahead[0].lookup()->is_over());  // the oldest
  CHECK_FALSE(ahead[1].lookup()->is_over());
  CHECK(ask(lookups, waiting, 1, kAnyone, Use::waiting, "waiting.test") == std::nullopt);
  CHECK(ahead[1].lookup()->is_over());
  CHECK(ask(lookups, waiting, 1, client("198.51.100.1"), Use::waiting, "other.example") ==
        DnsShare::table);
  waiting.pop_back();
  CHECK(ask(lookups, waiting, 1, client("198.51.100.1"), Use::waiting, "other.example") ==
        std::nullopt);
}

TEST_CASE("what is left over takes no place from who waits, only from what is begun ahead (A191)") {
  Lookups lookups(5s, table_of(4, 2));
  for (int i = 0; i < 10; ++i)
    lookups.join(txt("n" + std::to_string(i) + ".test"), kAnyone, Use::ahead, Clock::now());
  CHECK(in_table(lookups, Use::left_over) == 2);
  Interests kept;
  CHECK(ask(lookups, kept, 1, kAnyone, Use::ahead, "more.test") != std::nullopt);
  CHECK(ask(lookups, kept, 4, kAnyone, Use::waiting, "more.test") == std::nullopt);
}

TEST_CASE("nobody holds more than a share, and nobody else is refused for it (A198, A199, A200)") {
  const PlaceLimits limits;
  const struct {
    std::string why;
    std::vector<std::string> clients;  // in turn
    std::vector<std::string> parents;  // in turn
    DnsShare used_up;
    std::size_t waiting;
    std::size_t ahead;
    // Whom it concerns, and whom not.
    const char* same_client;
    const char* same_parent;
  } rows[] = {
      {"one client",
       {"192.0.2.1"},
       {"a.example", "b.example", "c.example", "d.example"},
       DnsShare::client,
       limits.client.waiting,
       limits.client.ahead,
       "192.0.2.1",
       "z.example"},
      {"one network",
       {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"},
       {"a.example", "b.example", "c.example", "d.example"},
       DnsShare::network,
       limits.network.waiting,
       limits.network.ahead,
       "192.0.2.5",
       "z.example"},
      {"names below one parent, from everywhere",
       {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"},
       {"x.attack.com"},
       DnsShare::subdomain,
       limits.subdomain.waiting,
       limits.subdomain.ahead,
       "100.64.0.1",
       "x.attack.com"},
      {"parents below one registration, from everywhere",
       {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"},
       {"a.attack.com", "b.attack.com", "c.attack.com", "d.attack.com"},
       DnsShare::domain,
       limits.domain.waiting,
       limits.domain.ahead,
       "100.64.0.1",
       "e.attack.com"},
  };
  for (const auto& row : rows) {
    for (const Use use : {Use::waiting, Use::ahead}) {
      CAPTURE(row.why);
      CAPTURE(use == Use::waiting);
      Lookups lookups(5s);
      Interests kept;
      std::optional<DnsShare> refused;
      while (!refused && kept.size() < limits.table.waiting) {
        refused = ask(lookups, kept, 1, client(row.clients[kept.size() % row.clients.size()]), use,
                      row.parents[kept.size() % row.parents.size()]);
      }
      CHECK(refused == row.used_up);
      CHECK(kept.size() == (use == Use::waiting ? row.waiting : row.ahead));
      Interests others;
      CHECK(ask(lookups, others, 1, client(row.same_client), use, row.same_parent) == row.used_up);
      CHECK(ask(lookups, others, 1, client("100.64.0.1"), use, "honest.example.net") ==
            std::nullopt);
      kept.pop_back();
      if (use == Use::waiting)
        CHECK(ask(lookups, others, 1, client(row.same_client), use, row.same_parent) ==
              std::nullopt);
    }
  }
}

TEST_CASE("who joins has a part of a client's share, but not of a name's") {
  PlaceLimits limits;
  limits.client.waiting = 2;
  limits.subdomain.waiting = 1;
  Lookups lookups(5s, limits);
  const auto now = Clock::now();
  Interests kept;
  const auto join = [&](const char* address) {
    auto joined = lookups.join(txt("_spf.big.example"), client(address), Use::waiting, now);
    if (!joined.refused) kept.push_back(std::move(joined.interest));
    return joined.refused;
  };
  CHECK(join("192.0.2.1") == std::nullopt);
  CHECK(join("192.0.2.1") == std::nullopt);
  CHECK(join("192.0.2.1") == DnsShare::client);
  CHECK(join("198.51.100.1") == std::nullopt);
  // Answered, it counts for nobody.
  lookups.finish(kept.front().lookup(), nxdomain());
  CHECK(join("192.0.2.1") == std::nullopt);
}

TEST_CASE("the accounts are empty when everything is over, however it ended") {
  Lookups lookups(5s);
  {
    Interests kept;
    ask(lookups, kept, 40, kAnyone, Use::ahead, "a.example");
    ask(lookups, kept, 40, client("2001:db8::1"), Use::waiting, "b.example");
    std::vector<LookupRef> all;
    for (const auto& interest : kept) all.push_back(interest.lookup());
    for (std::size_t i = 0; i < all.size(); i += 3) lookups.expire(all[i], nxdomain());
    for (std::size_t i = 1; i < all.size(); i += 3) kept[i].end();
    for (const auto& lookup : all) lookups.finish(lookup, nullptr);
  }
  for (const Use use : {Use::waiting, Use::ahead, Use::left_over}) {
    CHECK(in_table(lookups, use) == 0);
    for (const auto& key : shares_of(kAnyone)) CHECK(lookups.count(key, use) == 0);
    for (const auto& key : shares_of(txt("n.a.example").name)) CHECK(lookups.count(key, use) == 0);
  }
}
