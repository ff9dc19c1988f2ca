#include <authmilter/resolver_setup.h>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

using namespace authmilter;
namespace fs = std::filesystem;

namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "authmilter-zones-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path file(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  fs::path missing() const { return path_ / "missing"; }

 private:
  fs::path path_;
};

constexpr const char* kRecord = "example.org. 60 IN TXT \"v=spf1 -all\"\n";

DnsStatus status_of(Resolver& resolver, const char* name) {
  return resolver.resolve({DnsName::parse(name).value(), RrType::txt})->status;
}

}  // namespace

TEST_CASE("what stands behind configured zones") {
  const TemporaryDirectory directory;
  const struct {
    std::string why;
    std::string zone;
    std::vector<std::string> nameservers;
    bool upstream;
  } rows[] = {
      {"records alone are a world of their own", kRecord, {}, false},
      {"nameservers are asked for the rest", kRecord, {"127.0.0.1@9"}, true},
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
    config.zones = {directory.file("zone", row.zone)};
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
  const TemporaryDirectory directory;
  DnsConfig config;
  config.zones = {directory.file("a", kRecord),
                  directory.file("b", "example.net. 60 IN TXT \"v=spf1 -all\"\n")};
  const auto set = make_resolver(config);
  REQUIRE(set);
  CHECK(status_of(set->resolver(), "example.org") == DnsStatus::success);
  CHECK(status_of(set->resolver(), "example.net") == DnsStatus::success);
  CHECK(status_of(set->resolver(), "example.com") == DnsStatus::nxdomain);
}

TEST_CASE("without zones there are only nameservers") {
  DnsConfig config;
  config.nameservers = {"127.0.0.1@9"};
  config.dnssec = DnssecMode::off;
  const auto set = make_resolver(config);
  REQUIRE(set);
  CHECK(set->zones == nullptr);
  CHECK(&set->resolver() == set->upstream.get());
}

TEST_CASE("a zone file that cannot be used is an error that names it") {
  const TemporaryDirectory directory;
  const fs::path rows[] = {directory.missing(), directory.missing().parent_path(),
                           directory.file("bad", "example.org. IN FROB x\n")};
  for (const fs::path& path : rows) {
    CAPTURE(path.string());
    DnsConfig config;
    config.zones = {path};
    const auto set = make_resolver(config);
    REQUIRE_FALSE(set);
    CHECK(set.error().message.starts_with(path.string() + ":"));
  }
}
