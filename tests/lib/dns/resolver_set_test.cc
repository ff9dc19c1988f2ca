#include <authmilter/resolver_set.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "support/temporary_folder.h"

using namespace authmilter;
namespace fs = std::filesystem;

namespace {

constexpr const char* kRecord = "example.org. 60 IN TXT \"v=spf1 -all\"\n";

DnsStatus status_of(Resolver& resolver, const char* name) {
  return resolver.resolve({DnsName::parse(name).value(), RrType::txt})->status;
}

}  // namespace

TEST_CASE("what stands behind configured zones") {
  const TemporaryFolder directory;
  const struct {
    std::string why;
    std::string zone;
    std::vector<NameServer> nameservers;
    bool upstream;
  } rows[] = {
      {"records alone are a world of their own", kRecord, {}, false},
      {"nameservers are asked for the rest",
       kRecord,
       {NameServer::parse("127.0.0.1@9").value()},
       true},
      {"an SOA says where the zone ends",
       std::string("example.org. 60 IN SOA ns.example.org. h.example.org. 1 2 3 4 5\n") + kRecord,
       {},
       true},
      {"without TTL and class, owner repeated",
       std::string("$ORIGIN example.org.\n@ TXT x\n soa ns h (\n 1 2 3 4 5 )\n"),
       {},
       true},
      {"an owner named soa", "soa.example.org. IN TXT x\nsoa IN TXT x\n", {}, false},
      {"SOA in a string", "example.org. IN TXT \"x IN SOA ns h 1 2 3 4 5\"\n", {}, false},
      {"SOA in a comment",
       std::string(kRecord) + "; example.org. IN SOA ns h 1 2 3 4 5\n",
       {},
       false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DnsConfig config;
    config.zones = {directory.write("zone", row.zone)};
    config.nameservers = row.nameservers;
    config.dnssec = DnssecMode::off;
    const auto set = make_resolver(config);
    REQUIRE(set);
    CHECK(set->zones != nullptr);
    CHECK((set->upstream != nullptr) == row.upstream);
    CHECK(&set->resolver() == set->zones.get());
  }
}

TEST_CASE("zones alone answer, and what they do not hold does not exist") {
  const TemporaryFolder directory;
  DnsConfig config;
  config.zones = {directory.write("a", kRecord),
                  directory.write("b", "example.net. 60 IN TXT \"v=spf1 -all\"\n")};
  const auto set = make_resolver(config);
  REQUIRE(set);
  CHECK(status_of(set->resolver(), "example.org") == DnsStatus::success);
  CHECK(status_of(set->resolver(), "example.net") == DnsStatus::success);
  CHECK(status_of(set->resolver(), "example.com") == DnsStatus::nxdomain);
}

TEST_CASE("without zones there are only nameservers") {
  DnsConfig config;
  config.nameservers = {NameServer::parse("127.0.0.1@9").value()};
  config.dnssec = DnssecMode::off;
  const auto set = make_resolver(config);
  REQUIRE(set);
  CHECK(set->zones == nullptr);
  CHECK(&set->resolver() == set->upstream.get());
}

TEST_CASE("a zone file that cannot be used is an error that names it") {
  const TemporaryFolder directory;
  REQUIRE(::mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
  const fs::path rows[] = {directory.path() / "missing", directory.path(), "/dev/zero",
                           directory.path() / "fifo",
                           directory.write("bad", "example.org. IN FROB x\n")};
  for (const fs::path& path : rows) {
    CAPTURE(path.string());
    DnsConfig config;
    config.zones = {path};
    const auto set = make_resolver(config);
    REQUIRE_FALSE(set);
    CHECK(set.error().message.starts_with(path.string() + ":"));
    config.zones_where = "x.toml:2:9";
    const auto placed = make_resolver(config);
    REQUIRE_FALSE(placed);
    CHECK(placed.error().message == "x.toml:2:9: " + set.error().message);
  }
}
