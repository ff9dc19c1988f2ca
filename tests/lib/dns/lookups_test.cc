#include "dns/lookups.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

DnsQuestion txt(const std::string& name) { return {DnsName::parse(name).value(), RrType::txt}; }

DnsAnswerRef nxdomain() {
  DnsAnswer answer;
  answer.status = DnsStatus::nxdomain;
  return std::make_shared<const DnsAnswer>(answer);
}

Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

}  // namespace

TEST_CASE("who asks what is under way joins, and the number under way is bounded") {
  Lookups lookups(2);
  const auto first = lookups.join(txt("a.test"));
  CHECK(first.is_new);
  const auto again = lookups.join(txt("a.test"));
  CHECK_FALSE(again.is_new);
  CHECK(again.lookup == first.lookup);
  const auto second = lookups.join({txt("a.test").name, RrType::a});
  CHECK(second.is_new);
  CHECK(lookups.join(txt("b.test")).lookup == nullptr);
  CHECK(lookups.join(txt("a.test")).lookup == first.lookup);

  lookups.finish(first.lookup, nxdomain());
  CHECK(lookups.join(txt("b.test")).is_new);
  CHECK(again.lookup->wait_until(in(0ms))->status == DnsStatus::nxdomain);
}

TEST_CASE("a lookup is waited for until it is finished or the time has come") {
  Lookups lookups(2);
  const auto joined = lookups.join(txt("a.test"));
  CHECK(joined.lookup->wait_until(in(5ms)) == nullptr);
  std::thread other([&] { lookups.finish(joined.lookup, nxdomain()); });
  CHECK(joined.lookup->wait_until(in(10s)) != nullptr);
  other.join();

  const auto open = lookups.join(txt("b.test"));
  lookups.finish_all(nxdomain());
  CHECK(open.lookup->wait_until(in(0ms)) != nullptr);
  CHECK(lookups.join(txt("b.test")).is_new);
}
