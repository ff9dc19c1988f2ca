#include "dmarc/opendmarc_bridge.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

DomainName name(std::string_view text) { return DomainName::parse(text).value(); }

OpendmarcInput input(AssessmentPolicy policy) {
  return {name("example.com"), policy, false, {}, {}, {}};
}

}  // namespace

TEST_CASE("without an aligned pass the policy is the verdict") {
  for (const auto policy :
       {AssessmentPolicy::none, AssessmentPolicy::quarantine, AssessmentPolicy::reject}) {
    CAPTURE(to_string(policy));
    const auto verdict = ask_opendmarc(input(policy));
    REQUIRE(verdict);
    CHECK_FALSE(verdict->pass);
    CHECK(verdict->policy == policy);
  }
}

TEST_CASE("any aligned pass is a pass") {
  const struct {
    std::string why;
    bool spf;
    std::vector<std::string> selectors;
  } rows[] = {
      {"spf", true, {}},
      {"dkim", false, {"s1"}},
      {"both", true, {"s1"}},
      {"many signatures", false, {"s1", "s2", "s1", "s3"}},
      {"selector unknown", false, {""}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    for (const auto policy :
         {AssessmentPolicy::none, AssessmentPolicy::quarantine, AssessmentPolicy::reject}) {
      auto asked = input(policy);
      asked.spf_aligned = row.spf;
      asked.dkim_selectors = row.selectors;
      const auto verdict = ask_opendmarc(asked);
      REQUIRE(verdict);
      CHECK(verdict->pass);
    }
  }
}

TEST_CASE("report addresses come back as they went in") {
  auto asked = input(AssessmentPolicy::reject);
  asked.rua = {"mailto:a@example.com", "mailto:" + std::string(60, 'b') + "@" +
                                           std::string(60, 'c') + "." + std::string(60, 'd') +
                                           ".example.net"};
  asked.ruf = {"mailto:c+d=e@example.org"};
  const auto verdict = ask_opendmarc(asked);
  REQUIRE(verdict);
  CHECK(verdict->rua == asked.rua);
  CHECK(verdict->ruf == asked.ruf);
  CHECK(ask_opendmarc(input(AssessmentPolicy::none))->rua.empty());
  CHECK(ask_opendmarc(input(AssessmentPolicy::none))->ruf.empty());
}

TEST_CASE("names that the library may see") {
  std::string octets_250 = "example.com";
  for (int i = 0; i < 4; ++i) octets_250 = std::string(58, 'a') + "." + octets_250;
  octets_250 = "aa." + octets_250;
  REQUIRE(octets_250.size() == 250);
  const struct {
    std::string why;
    std::string name;
    bool accepted;
  } rows[] = {
      {"ordinary", "example.com", true},
      {"single label", "com", true},
      {"underscores", "_a._b.example", true},
      {"A-labels", "xn--bcher-kva.example", true},
      {"250 octets", octets_250, true},
      {"251 octets", "a" + octets_250, false},
      {"neither letter nor digit", "_.__", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(opendmarc_accepts(name(row.name)) == row.accepted);
    auto asked = input(AssessmentPolicy::reject);
    asked.author_domain = name(row.name);
    CHECK(ask_opendmarc(asked).has_value() == row.accepted);
  }
}
