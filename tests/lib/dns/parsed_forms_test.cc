#include <authmilter/dns_answer.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace authmilter;

namespace {

/// Counts how often it was made.
template <int Kind>
struct Counted {
  static inline std::atomic<int> made = 0;
  std::string texts;

  static Counted parse(const DnsAnswer& answer) {
    ++made;
    Counted form;
    for (const std::string& text : answer.texts()) form.texts += text;
    return form;
  }
  std::size_t octets() const { return texts.capacity(); }
};

/// Takes as much memory as its answer says.
struct Wide {
  static inline std::atomic<int> made = 0;
  std::size_t held = 0;

  static Wide parse(const DnsAnswer& answer) {
    ++made;
    return {std::stoul(answer.texts().front())};
  }
  std::size_t octets() const { return held; }
};

DnsAnswerRef txt(const std::string& text) {
  DnsAnswer answer;
  answer.status = DnsStatus::success;
  answer.records.push_back(TxtRecord{text});
  return std::make_shared<const DnsAnswer>(std::move(answer));
}

}  // namespace

TEST_CASE("a form is made once for as long as its answer lives") {
  using Form = Counted<0>;
  const auto answer = txt("one");
  const auto first = parsed<Form>(answer);
  const auto second = parsed<Form>(answer);
  CHECK(first->texts == "one");
  CHECK(first == second);
  CHECK(Form::made == 1);
  CHECK(answer->forms.octets() >= sizeof(Form));

  // Another answer has forms of its own, also with the same text, and so has a copy.
  CHECK(parsed<Form>(txt("one")) != first);
  CHECK(Form::made == 2);
  const auto copy = std::make_shared<const DnsAnswer>(*answer);
  CHECK(copy->forms.octets() == 0);
  CHECK(parsed<Form>(copy) != first);
  CHECK(Form::made == 3);
}

TEST_CASE("an answer that gets other records loses its forms") {
  using Form = Counted<1>;
  auto answer = std::make_shared<DnsAnswer>(*txt("one"));
  CHECK(parsed<Form>(answer)->texts == "one");
  *answer = *txt("two");
  CHECK(parsed<Form>(answer)->texts == "two");
}

TEST_CASE("forms of several types stand side by side, and keep their answer alive") {
  auto answer = txt("one");
  const std::weak_ptr<const DnsAnswer> watched = answer;
  auto a = parsed<Counted<2>>(answer);
  const auto b = parsed<Counted<3>>(answer);
  CHECK(parsed<Counted<2>>(answer) == a);
  CHECK(static_cast<const void*>(a.get()) != b.get());
  answer.reset();
  CHECK(a->texts == "one");
  CHECK_FALSE(watched.expired());
}

TEST_CASE("a form that takes more room than its answer may have is not kept") {
  const struct {
    std::string why;
    std::string text;
    bool kept;
  } rows[] = {
      {"a small one", "10", true},
      {"as much as the text deserves", "1000", true},
      {"more than that", "100000", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto answer = txt(row.text);
    Wide::made = 0;
    CHECK(parsed<Wide>(answer)->held == std::stoul(row.text));
    CHECK(parsed<Wide>(answer)->held == std::stoul(row.text));
    CHECK(Wide::made == (row.kept ? 1 : 2));
    CHECK(answer->forms.octets() <= answer->octets_for_forms());
  }
  // Together they may not have more either.
  const auto answer = txt("1200");
  parsed<Wide>(answer);
  Counted<4>::made = 0;
  CHECK(parsed<Counted<4>>(answer)->texts == "1200");
  CHECK(parsed<Counted<4>>(answer)->texts == "1200");
  CHECK(Counted<4>::made == 2);
  CHECK(answer->forms.octets() <= answer->octets_for_forms());
}

TEST_CASE("only TXT records have room for forms") {
  DnsAnswer answer;
  answer.status = DnsStatus::success;
  CHECK(answer.octets_for_forms() == 0);
  answer.records.push_back(MxRecord{10, *DnsName::parse("mx.example.org")});
  CHECK(answer.octets_for_forms() == 0);
  answer.records.push_back(TxtRecord{"v=spf1 -all"});
  CHECK(answer.octets_for_forms() > 0);
}

TEST_CASE("many threads that ask at a time get one form") {
  using Form = Counted<5>;
  for (int round = 0; round < 200; ++round) {
    const auto answer = txt("one");
    std::vector<const Form*> seen(4);
    std::atomic<int> ready = 0;
    std::vector<std::thread> threads;
    for (auto& place : seen) {
      threads.emplace_back([&] {
        ++ready;
        while (ready < 4) std::this_thread::yield();
        parsed<Counted<6>>(answer);
        place = parsed<Form>(answer).get();
      });
    }
    for (auto& thread : threads) thread.join();
    for (const Form* one : seen) REQUIRE(one == seen.front());
  }
}

TEST_CASE("what zone files say is parsed once as well") {
  using Form = Counted<7>;
  const auto resolver = make_test_resolver("a.test. TXT \"one\"\nb.test. CNAME a.test.\n");
  const auto ask = [&](const char* name) {
    return parsed<Form>(resolver->resolve({*DnsName::parse(name), RrType::txt}));
  };
  const auto first = ask("a.test");
  CHECK(ask("a.test") == first);
  CHECK(ask("b.test") == first);
  CHECK(Form::made == 1);
}
