#include "audit/mta_sts_policy.h"

#include <doctest/doctest.h>

#include "judged_servers.h"

using namespace authmilter;
using namespace authmilter::servers;

namespace {

const std::string kGood =
    "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n";

std::string edited(const std::string& line, const std::string& instead) {
  std::string text = kGood;
  const std::size_t at = text.find(line);
  REQUIRE(at != std::string::npos);
  return text.replace(at, line.size(), instead);
}

}  // namespace

TEST_CASE("policies that can be read (RFC 8461 section 3.2)") {
  const MtaStsPolicy good{MtaStsMode::enforce, 604'800, {"mx.example.org"}};
  const struct {
    const char* why;
    std::string text;
    MtaStsPolicy policy;
  } rows[] = {
      {"as it is written", kGood, good},
      {"bare line feeds, no end of line, blanks",
       "version:STSv1\nmode:  enforce \nmx:MX.example.org\nmax_age:604800", good},
      {"any order, and what is for the future",
       "max_age: 604800\nx-new: y\nmx: mx.example.org\nmode: enforce\nversion: STSv1\n", good},
      {"of a field that is repeated the first counts",
       kGood + "mode: none\r\nmax_age: 1\r\nversion: STSv2\r\n", good},
      {"wildcards, and more hosts",
       edited("mx: mx.example.org", "mx: *.example.net\r\nmx: mx.example.org"),
       {MtaStsMode::enforce, 604'800, {"*.example.net", "mx.example.org"}}},
      {"none needs no mx",
       "version: STSv1\nmode: none\nmax_age: 86400\n",
       {MtaStsMode::none, 86'400, {}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto policy = parse_mta_sts_policy(row.text);
    REQUIRE(policy);
    CHECK(*policy == row.policy);
  }
}

TEST_CASE("policies that cannot") {
  std::string many = kGood;
  for (int i = 0; i < 100; ++i) many += "mx: h" + std::to_string(i) + ".example.org\n";
  const struct {
    std::string text;
    const char* error;
  } rows[] = {
      {"", "has no line \"version: STSv1\""},
      {edited("STSv1", "STSv2"), "has another version than STSv1: \"version: STSv2\""},
      {edited("enforce", "Enforce"),
       "has a mode that is not enforce, testing or none: \"mode: Enforce\""},
      {edited("mode: enforce\r\n", ""), "has no line with a mode"},
      {edited("max_age: 604800\r\n", ""), "has no line with a max_age"},
      {edited("mx: mx.example.org\r\n", ""), "has no line with an mx"},
      {edited("604800", "31557601"),
       "has a max_age that is not a number up to 31557600: \"max_age: 31557601\""},
      {edited("604800", "1w"),
       "has a max_age that is not a number up to 31557600: \"max_age: 1w\""},
      {edited("604800", "99999999999"),
       "has a max_age that is not a number up to 31557600: \"max_age: 99999999999\""},
      {edited("mx.example.org", "*"), "has an mx that is not a host name: \"mx: *\""},
      {edited("mx.example.org", "a.*.org"), "has an mx that is not a host name: \"mx: a.*.org\""},
      {edited("mx: ", "mx mx "), "has a line without a colon: \"mx mx mx.example.org\""},
      {"<html>\x1b</html>", "has a line without a colon: \"<html>\\x1b</html>\""},
      {many, "has more than 100 lines with mx"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto policy = parse_mta_sts_policy(row.text);
    REQUIRE_FALSE(policy);
    CHECK(policy.error().message == row.error);
  }
}

TEST_CASE("which hosts a policy names (RFC 8461 section 4.1)") {
  const MtaStsPolicy policy{MtaStsMode::enforce, 1, {"mx.example.org", "*.example.net"}};
  CHECK(policy.has_mx("mx.example.org"));
  CHECK(policy.has_mx("MX.Example.Org"));
  CHECK(policy.has_mx("a.example.net"));
  CHECK_FALSE(policy.has_mx("a.b.example.net"));
  CHECK_FALSE(policy.has_mx("example.net"));
  CHECK_FALSE(policy.has_mx("a.mx.example.org"));
  CHECK_FALSE(policy.has_mx(".example.net"));
}

TEST_CASE("mtasts.policy") {
  const FetchFacts good{"https://mta-sts.example.org/.well-known/mta-sts.txt",
                        200,
                        "",
                        true,
                        "text/plain",
                        "",
                        {},
                        kGood};
  const struct {
    const char* why;
    std::function<void(FetchFacts&)> change;
    CheckStatus status;
  } rows[] = {
      {"good", [](FetchFacts&) {}, CheckStatus::pass},
      {"not there", [](FetchFacts& f) { f.status = 404; }, CheckStatus::fail},
      {"no answer", [](FetchFacts& f) { f.status = 0; }, CheckStatus::fail},
      {"redirections are not followed", [](FetchFacts& f) { f.status = 301; }, CheckStatus::fail},
      {"a certificate that is not good",
       [](FetchFacts& f) {
         f.certificate_good = false;
         f.status = 0;
       },
       CheckStatus::fail},
      {"too long", [](FetchFacts& f) { f.trouble = "the answer is longer than 65536 octets"; },
       CheckStatus::fail},
      {"not a policy", [](FetchFacts& f) { f.body = "<html>"; }, CheckStatus::fail},
      {"another mail host", [](FetchFacts& f) { f.body = edited("mx: mx.", "mx: mail."); },
       CheckStatus::fail},
      {"another mail host, in testing",
       [](FetchFacts& f) {
         f.body = "version: STSv1\nmode: testing\nmx: mail.example.org\nmax_age: 604800\n";
       },
       CheckStatus::warn},
      {"testing", [](FetchFacts& f) { f.body = edited("enforce", "testing"); }, CheckStatus::warn},
      {"none", [](FetchFacts& f) { f.body = edited("enforce", "none"); }, CheckStatus::info},
      {"for a day", [](FetchFacts& f) { f.body = edited("604800", "86400"); }, CheckStatus::warn},
      {"as a page", [](FetchFacts& f) { f.content_type = "text/html"; }, CheckStatus::warn},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DomainFacts facts = domain_with({});
    DnsAnswer mx;
    mx.status = DnsStatus::success;
    mx.records = {MxRecord{10, DnsName::parse("mx.example.org").value()}};
    facts.dns[{facts.domain, RrType::mx}] = mx;
    facts.mta_sts_policy = good;
    row.change(*facts.mta_sts_policy);
    CheckStatus status = CheckStatus::pass;
    const auto verdicts = verdicts_of(facts, "mtasts.policy");
    REQUIRE_FALSE(verdicts.empty());
    for (const Verdict& verdict : verdicts) status = worse(status, verdict.status);
    CHECK(to_string(status) == to_string(row.status));
  }
  CHECK(verdicts_of(domain_with({}), "mtasts.policy").empty());
}
