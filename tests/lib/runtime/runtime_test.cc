#include <authmilter/runtime.h>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

constexpr const char* kNameserver = "[dns]\nnameservers = [\"127.0.0.1@9\"]\ndnssec = \"off\"\n";

std::string socket_and(const std::string& text) {
  return "[milter]\nsocket = \"unix:/run/authmilter/socket\"\n" + text;
}

}  // namespace

TEST_CASE("a reload keeps the resolver, and the cache in it, while [dns] is the same") {
  const TemporaryFolder folder;
  const struct {
    std::string why;
    std::string text;
    bool kept;
  } rows[] = {
      {"nothing changed", kNameserver, true},
      {"another part changed",
       std::string("[identity]\nauthserv_id = \"b.example\"\n") + kNameserver, true},
      {"what a message may ask is not the resolver's",
       std::string(kNameserver) + "message_queries = 5\n", true},
      {"another nameserver", "[dns]\nnameservers = [\"127.0.0.2@9\"]\ndnssec = \"off\"\n", false},
      {"another patience", std::string(kNameserver) + "timeout = \"1s\"\n", false},
  };
  const auto before =
      Runtime::load(folder.write("before.toml", socket_and(kNameserver)), "mx.example");
  REQUIRE(before);
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto after = Runtime::load(folder.write("after.toml", socket_and(row.text)), "mx.example",
                                     before->get());
    REQUIRE(after);
    CHECK((&(*after)->resolver() == &(*before)->resolver()) == row.kept);
  }
}

TEST_CASE("a configuration with a part that cannot be read becomes nothing") {
  const TemporaryFolder folder;
  const struct {
    std::string why;
    std::string text;
    const char* error;
  } rows[] = {
      {"an unknown option", "[dns]\nnameserver = []\n", "nameserver"},
      {"a key that is not there",
       "[[signing.domain]]\ndomain = \"a.example\"\n"
       "keys = [{ selector = \"s\", file = \"/nonexistent/key\" }]\n",
       "/nonexistent/key"},
      {"a zone that is not there", "[dns]\nzones = [\"/nonexistent/zone\"]\n", "/nonexistent/zone"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto runtime =
        Runtime::load(folder.write("bad.toml", socket_and(row.text)), "mx.example");
    REQUIRE_FALSE(runtime);
    CAPTURE(runtime.error().message);
    CHECK(runtime.error().message.find(row.error) != std::string::npos);
  }
}

TEST_CASE("a part that was left out is not made up") {
  const Runtime bare(Config{}, nullptr, ResolverSet{});
  CHECK_THROWS_AS(bare.signer(Envelope{}, 0), std::logic_error);
  CHECK_THROWS_AS(bare.verifier(Envelope{}, 0), std::logic_error);
  CHECK_THROWS_AS(bare.message_budget(), std::logic_error);
}

TEST_CASE("what one message may ask is the configuration's") {
  Config config;
  config.dns.message_queries = 2;
  const Runtime runtime(config, nullptr,
                        ResolverSet{.zones = make_test_resolver("a.example. 1 IN TXT x\n", {})});
  BudgetResolver budget = runtime.message_budget();
  for (const char* name : {"a.example", "b.example"})
    CHECK(budget.resolve({*DnsName::parse(name), RrType::txt})->fault == DnsFault::none);
  CHECK(budget.resolve({*DnsName::parse("c.example"), RrType::txt})->fault == DnsFault::limit);
}
