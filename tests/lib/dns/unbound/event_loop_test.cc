#include "dns/unbound/event_loop.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <doctest/doctest.h>

#include <authmilter/unbound_resolver.h>

#include <algorithm>
#include <list>
#include <system_error>
#include <thread>

#include "base/descriptor.h"
#include "lib/dns/unbound/dns_server.h"
#include "support/records_text.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using Clock = EventLoop::Clock;

/// Another limit on descriptors while this exists.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t files) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit now{std::min(files, before_.rlim_max), before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// Takes descriptors until the next one is `next` or there are none.
std::list<Descriptor> taken_up_to(int next) {
  std::list<Descriptor> taken;
  do {
    taken.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (taken.back().open() && taken.back().get() + 1 < next);
  return taken;
}

UnboundOptions options_for(const test::DnsServer& server) {
  UnboundOptions options;
  options.nameservers = {NameServer::parse(server.address()).value()};
  options.dnssec = DnssecMode::off;
  return options;
}

}  // namespace

TEST_CASE("a wait ends when it should") {
  EventLoop loop;
  const auto far = Clock::now() + 1h;
  const auto begin = Clock::now();
  loop.run_once(Clock::time_point::min());
  loop.run_once(begin);
  loop.wake();
  loop.wake();
  loop.run_once(far);  // woken before it began
  std::thread other([&] { loop.wake(); });
  loop.run_once(far);
  other.join();
  CHECK(Clock::now() - begin < 30min);

  const auto until = Clock::now() + 50ms;
  while (Clock::now() < until) loop.run_once(until);
  CHECK(Clock::now() < until + 30min);
}

TEST_CASE("a resolver without descriptors is an error, not the end of the process") {
  const DescriptorLimit limit(200);
  // Two are for UndefinedBehaviorSanitizer, where an error is thrown; one is in use by then.
  for (const int left : {3, 4, 5, 10, 30}) {
    CAPTURE(left);
    const auto taken = taken_up_to(200 - left);
    CHECK_THROWS_AS(EventLoop(), std::system_error);
    UnboundOptions options;
    options.nameservers = {NameServer::local()};
    options.dnssec = DnssecMode::off;
    CHECK_FALSE(make_unbound_resolver(options));
  }
  EventLoop();
}

TEST_CASE("descriptors above 1023 are as good as others") {
  const test::DnsServer server("name.test. TXT \"answered\"\n");
  const DescriptorLimit limit(2048);
  const auto taken = taken_up_to(1100);
  REQUIRE(taken.back().get() == 1099);
  const auto resolver = make_unbound_resolver(options_for(server));
  REQUIRE(resolver);
  const auto answer = (*resolver)->resolve({DnsName::parse("name.test").value(), RrType::txt});
  CHECK(records_text(*answer) == "[answered]");
}
