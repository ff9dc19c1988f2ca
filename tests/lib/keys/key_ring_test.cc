#include <authmilter/key_ring.h>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lib/crypto/vectors.h"
#include "support/temporary_folder.h"

using namespace authmilter;
namespace fs = std::filesystem;

namespace {

void write_key(const fs::path& path, const std::string& pem) {
  std::ofstream(path) << pem;
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
}

/// As if the file had been written long ago, as far as that can be told to it.
void wait_until_settled() { ::usleep(3'200'000); }

SigningDomainConfig domain_with(const char* name, bool subdomains, const fs::path& file,
                                const char* selector = "s") {
  static const auto config = std::make_shared<const std::string>("x.toml");
  const ConfigPlace place{config, 1, 1};
  return {*DomainName::parse(name),
          subdomains,
          {{*DomainName::parse(selector), KeySource::of_file(file), place}},
          place};
}

std::shared_ptr<const KeyRing> load(const SigningConfig& config,
                                    const KeyRing* previous = nullptr) {
  auto ring = KeyRing::load(config, previous);
  REQUIRE_MESSAGE(ring, (ring ? "" : ring.error().message));
  return *ring;
}

/// The RSA key of the vectors has 1024 bits.
SigningConfig old_strength() {
  SigningConfig config;
  config.minimum_rsa_bits = 1024;
  return config;
}

}  // namespace

TEST_CASE("a domain's keys are those of the longest configured one that holds it") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "k.pem";
  write_key(file, vectors::kEd25519Pem);
  SigningConfig config = old_strength();
  config.domains = {domain_with("example.org", true, file, "all"),
                    domain_with("lab.example.org", false, file, "lab"),
                    domain_with("deep.lab.example.org", true, file, "deep"),
                    domain_with("single.example", false, file, "single"),
                    domain_with("org", false, file, "top")};
  const auto ring = load(config);
  const struct {
    const char* author;
    const char* selector;  // empty: no keys
  } rows[] = {
      {"example.org", "all"},
      {"a.example.org", "all"},
      {"a.b.c.d.example.org", "all"},
      {"lab.example.org", "lab"},
      {"a.lab.example.org", "all"},  // the nearer one is for itself alone
      {"deep.lab.example.org", "deep"},
      {"x.deep.lab.example.org", "deep"},
      {"xexample.org", ""},
      {"single.example", "single"},
      {"a.single.example", ""},
      {"example", ""},
      {"org", "top"},
      {"other.org", ""},
      {"example.org.example", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.author);
    const auto keys = ring->keys_for(*DomainName::parse(row.author));
    CHECK(keys.size() == (*row.selector == '\0' ? 0 : 1));
    if (!keys.empty()) CHECK(keys.front().selector.text() == row.selector);
  }
  CHECK(ring->same_owner(*DomainName::parse("a.example.org"), *DomainName::parse("b.example.org")));
  CHECK_FALSE(
      ring->same_owner(*DomainName::parse("lab.example.org"), *DomainName::parse("example.org")));
  CHECK_FALSE(ring->same_owner(*DomainName::parse("x.test"), *DomainName::parse("y.test")));
  CHECK_FALSE(ring->single_owner());
}

TEST_CASE("a file is read once, however many domains name it") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "k.pem";
  write_key(file, vectors::kRsaPem);
  SigningConfig config = old_strength();
  for (int i = 0; i < 20'000; ++i) {
    config.domains.push_back(
        domain_with(("customer-" + std::to_string(i) + ".example").c_str(), false, file));
  }
  const auto ring = load(config);
  CHECK(ring->all().size() == config.domains.size());
  const auto first = ring->keys_for(*DomainName::parse("customer-0.example"));
  const auto last = ring->keys_for(*DomainName::parse("customer-19999.example"));
  REQUIRE((first.size() == 1 && last.size() == 1));
  CHECK(first.front().key == last.front().key);
}

TEST_CASE("files with the same content have one key") {
  const TemporaryFolder folder;
  SigningConfig config = old_strength();
  for (int i = 0; i < 200; ++i) {
    const std::string number = std::to_string(i);
    const fs::path file = folder.path() / (number + ".pem");
    write_key(file, i % 2 == 0 ? vectors::kRsaPem : vectors::kEd25519Pem);
    config.domains.push_back(domain_with(("d" + number + ".example").c_str(), false, file));
  }
  const auto ring = load(config);
  REQUIRE(ring->all().size() == 200);
  const auto all = ring->all();
  for (std::size_t i = 2; i < 200; ++i) CHECK(all[i].key == all[i % 2].key);
  CHECK(all[0].key != all[1].key);
}

TEST_CASE("of several bad files the first in the configuration is the error") {
  const TemporaryFolder folder;
  SigningConfig config = old_strength();
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    const fs::path file = folder.path() / (number + ".pem");
    write_key(file, i == 57 || i > 60 ? "" : vectors::kRsaPem);
    config.domains.push_back(domain_with(("d" + number + ".example").c_str(), false, file));
  }
  for (int round = 0; round < 20; ++round) {
    const auto ring = KeyRing::load(config);
    REQUIRE_FALSE(ring);
    CHECK(ring.error().message ==
          "x.toml:1:1: " + (folder.path() / "57.pem").string() + ": not a private key in PEM form");
  }
}

TEST_CASE("an RSA key shorter than signing.minimum_rsa_bits does not sign (RFC 8301 section 3.2)") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "k.pem";
  write_key(file, generate_private_key(KeyType::rsa, 1024)->pem);
  SigningConfig config;
  config.domains = {domain_with("a.example", false, file)};
  const auto refused = KeyRing::load(config);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "x.toml:1:1: " + file.string() +
                                       ": an RSA key of 1024 bits: signing.minimum_rsa_bits is "
                                       "2048");
  config.minimum_rsa_bits = 1024;
  const auto allowed = load(config);
  config.minimum_rsa_bits = 8192;  // also of a key that was read before
  CHECK_FALSE(KeyRing::load(config, allowed.get()));
  write_key(file, vectors::kEd25519Pem);
  CHECK(KeyRing::load(config));
}

TEST_CASE("a ring takes over the keys of files that are still the same") {
  const TemporaryFolder folder;
  const fs::path same = folder.path() / "same.pem";
  const fs::path edited = folder.path() / "edited.pem";
  const fs::path replaced = folder.path() / "replaced.pem";
  for (const fs::path& path : {same, edited, replaced}) write_key(path, vectors::kEd25519Pem);
  SigningConfig config;
  config.domains = {domain_with("same.example", false, same),
                    domain_with("edited.example", false, edited),
                    domain_with("replaced.example", false, replaced)};
  const auto key = [](const KeyRing& ring, const char* name) {
    return ring.keys_for(*DomainName::parse(name)).front().key;
  };
  SUBCASE("but none that may have been written while it was read") {
    const auto first = load(config);
    const auto second = load(config, first.get());
    CHECK(key(*second, "same.example") != key(*first, "same.example"));
  }
  SUBCASE("which a new file is not, nor one with other content of the same size and time") {
    wait_until_settled();
    const auto first = load(config);
    struct stat before {};
    REQUIRE(::stat(edited.c_str(), &before) == 0);
    const int file = ::open(edited.c_str(), O_WRONLY);
    REQUIRE(::pwrite(file, "\n", 1, before.st_size - 1) == 1);
    REQUIRE(::close(file) == 0);
    const timespec times[] = {before.st_atim, before.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, edited.c_str(), times, 0) == 0);
    write_key(folder.path() / "new.pem", vectors::kEd25519Pem);
    fs::rename(folder.path() / "new.pem", replaced);
    const auto second = load(config, first.get());
    CHECK(key(*second, "same.example") == key(*first, "same.example"));
    CHECK(key(*second, "edited.example") != key(*first, "edited.example"));
    CHECK(key(*second, "replaced.example") != key(*first, "replaced.example"));
  }
  SUBCASE("and refuses them when others may read them now") {
    wait_until_settled();
    const auto first = load(config);
    REQUIRE(::chmod(same.c_str(), 0644) == 0);
    const auto second = KeyRing::load(config, first.get());
    REQUIRE_FALSE(second);
    CHECK(second.error().message ==
          "x.toml:1:1: " + same.string() + ": open to others (mode 0644)");
  }
}
