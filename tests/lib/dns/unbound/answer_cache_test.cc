#include "dns/unbound/answer_cache.h"

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
  made.records = {TxtRecord{std::string(octets, 'x')}};
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
      {"at most a day (RFC 2181 section 8)", DnsStatus::success, 604'800s, 86'400s},
      {"a second", DnsStatus::success, 1s, 1s},
      {"negative answer", DnsStatus::nxdomain, 300s, 300s},
      {"negative answer, at most an hour (RFC 2308 section 5)", DnsStatus::no_data, 86'400s, 3600s},
      {"a failure for a moment, whatever it says", DnsStatus::temperror, 300s, 2s},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    AnswerCache cache(1 << 20);
    const auto kept = answer(row.status, row.ttl);
    cache.store(txt("a.test"), kept, kStart);
    CHECK(cache.find(txt("a.test"), kStart) == kept);
    CHECK(cache.find(txt("a.test"), kStart + row.kept - 1s) == kept);
    CHECK(cache.find(txt("a.test"), kStart + row.kept) == nullptr);
    CHECK(cache.find({DnsName::parse("a.test").value(), RrType::a}, kStart) == nullptr);
    CHECK(cache.size() == 0);
    CHECK(cache.octets() == 0);
  }
}

TEST_CASE("a time to live of zero is for those who asked (RFC 1035 section 3.2.1)") {
  AnswerCache cache(1 << 20);
  cache.store(txt("a.test"), answer(DnsStatus::success, 60s), kStart);
  cache.store(txt("a.test"), answer(DnsStatus::success, 0s), kStart);
  CHECK(cache.find(txt("a.test"), kStart) == nullptr);
}

TEST_CASE("a newer answer takes the place of an older one") {
  AnswerCache cache(1 << 20);
  cache.store(txt("a.test"), answer(DnsStatus::temperror, 0s), kStart);
  cache.store(txt("a.test"), answer(DnsStatus::success, 60s), kStart);
  CHECK(cache.find(txt("a.test"), kStart)->status == DnsStatus::success);
  CHECK(cache.size() == 1);
}

TEST_CASE("the cache takes no more memory than it may, and keeps what is in use (A74)") {
  constexpr std::size_t kOctets = 1 << 20;
  const struct {
    std::string why;
    std::size_t octets;
    std::size_t least;  // answers that fit
  } rows[] = {
      // With the room for what is read from them, which is counted whether it is used or not.
      {"short answers", 20, 400},
      {"long answers take the place of many", 20'000, 32},
      {"an answer that would fill a part is not kept", 65'536, 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    AnswerCache cache(kOctets);
    cache.store(txt("used.test"), answer(DnsStatus::success, 60s), kStart);
    for (int i = 0; i < 5000; ++i) {
      cache.store(txt("n" + std::to_string(i) + "." + std::string(60, 'x') + ".test"),
                  answer(DnsStatus::success, 60s, row.octets), kStart);
      REQUIRE(cache.find(txt("used.test"), kStart) != nullptr);
      REQUIRE(cache.octets() <= kOctets);
    }
    CHECK(cache.size() >= row.least);
  }
}

TEST_CASE("what is read from the answers is counted with them, and goes with them") {
  struct Form {
    std::string copy;
    static Form parse(const DnsAnswer& answer) { return {answer.texts().front()}; }
    std::size_t octets() const { return copy.capacity(); }
  };
  AnswerCache cache(1 << 20);
  const auto kept = answer(DnsStatus::success, 60s, 1000);
  cache.store(txt("a.test"), kept, kStart);
  const std::size_t counted = cache.octets();
  const auto form = parsed<Form>(cache.find(txt("a.test"), kStart));
  CHECK(parsed<Form>(cache.find(txt("a.test"), kStart)) == form);
  CHECK(kept->forms.octets() > 1000);
  CHECK(cache.octets() == counted);
  CHECK(counted >= 1000 + kept->octets_for_forms());

  // A new answer is read anew, also where it says the same.
  cache.store(txt("a.test"), answer(DnsStatus::success, 60s, 1000), kStart);
  CHECK(parsed<Form>(cache.find(txt("a.test"), kStart)) != form);
  CHECK(cache.octets() == counted);
}

TEST_CASE("questions that differ in the type alone are two") {
  AnswerCache cache(1 << 20);
  const DnsQuestion a{DnsName::parse("a.test").value(), RrType::a};
  cache.store(txt("a.test"), answer(DnsStatus::success, 60s), kStart);
  cache.store(a, answer(DnsStatus::no_data, 60s), kStart);
  CHECK(cache.find(txt("a.test"), kStart)->status == DnsStatus::success);
  CHECK(cache.find(a, kStart)->status == DnsStatus::no_data);
  CHECK(cache.size() == 2);
}
