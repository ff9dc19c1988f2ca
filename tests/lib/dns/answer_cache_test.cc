#include "dns/answer_cache.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

const AnswerCache::TimePoint kStart{1000h};

DnsQuestion txt(const std::string& name) { return {DnsName::parse(name).value(), RrType::txt}; }

DnsAnswerRef answer(DnsStatus status, std::chrono::seconds ttl, std::size_t octets = 0) {
  DnsAnswer made;
  made.status = status;
  made.ttl = ttl;
  made.texts = {std::string(octets, 'x')};
  return std::make_shared<const DnsAnswer>(std::move(made));
}

}  // namespace

TEST_CASE("an answer is kept for its time to live, within limits") {
  const struct {
    std::string why;
    DnsStatus status;
    std::chrono::seconds ttl;
    std::chrono::seconds kept;
  } rows[] = {
      {"as long as it says", DnsStatus::success, 300s, 300s},
      {"at most a day", DnsStatus::success, 604'800s, 86'400s},
      {"long enough for the message in hand", DnsStatus::success, 0s, 5s},
      {"negative answer", DnsStatus::nxdomain, 300s, 300s},
      {"negative answer, at most an hour (RFC 2308 section 5)", DnsStatus::no_data, 86'400s, 3600s},
      {"a failure for a moment, whatever it says", DnsStatus::temperror, 300s, 2s},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    AnswerCache cache(1000);
    const auto kept = answer(row.status, row.ttl);
    cache.store(txt("a.test"), kept, kStart);
    CHECK(cache.find(txt("a.test"), kStart) == kept);
    CHECK(cache.find(txt("a.test"), kStart + row.kept - 1s) == kept);
    CHECK(cache.find(txt("a.test"), kStart + row.kept) == nullptr);
    CHECK(cache.find({DnsName::parse("a.test").value(), RrType::a}, kStart) == nullptr);
    CHECK(cache.size() == 0);
  }
}

TEST_CASE("a newer answer takes the place of an older one") {
  AnswerCache cache(1000);
  cache.store(txt("a.test"), answer(DnsStatus::temperror, 0s), kStart);
  cache.store(txt("a.test"), answer(DnsStatus::success, 60s), kStart);
  CHECK(cache.find(txt("a.test"), kStart)->status == DnsStatus::success);
  CHECK(cache.size() == 1);
}

TEST_CASE("the cache holds no more answers than it may, and keeps those in use (A74)") {
  AnswerCache cache(640);
  cache.store(txt("used.test"), answer(DnsStatus::success, 60s), kStart);
  for (int i = 0; i < 5000; ++i) {
    cache.store(txt("n" + std::to_string(i) + ".test"), answer(DnsStatus::success, 60s), kStart);
    REQUIRE(cache.find(txt("used.test"), kStart) != nullptr);
  }
  CHECK(cache.size() <= 640);
  CHECK(cache.size() > 320);
}

TEST_CASE("long answers take the place of many") {
  AnswerCache cache(64'000);  // 1000 in each part, and 1000 KiB
  for (int i = 0; i < 5000; ++i)
    cache.store(txt("n" + std::to_string(i) + ".test"), answer(DnsStatus::success, 60s, 65'000),
                kStart);
  CHECK(cache.size() <= 1024);
  CHECK(cache.size() > 500);

  AnswerCache tiny(1);
  tiny.store(txt("a.test"), answer(DnsStatus::success, 60s, 65'000), kStart);
  CHECK(tiny.find(txt("a.test"), kStart) != nullptr);
}
