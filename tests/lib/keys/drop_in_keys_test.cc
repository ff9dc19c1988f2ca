#include <authmilter/key_ring.h>
#include <authmilter/runtime.h>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "lib/crypto/vectors.h"
#include "support/temporary_folder.h"

using namespace authmilter;
namespace fs = std::filesystem;

namespace {

/// A configuration with a directory of drop-ins, its keys in "k".
class Organisation {
 public:
  explicit Organisation(const std::string& more = "") {
    fs::create_directory(folder_.path() / "d");
    fs::create_directory(folder_.path() / "k");
    folder_.write("a.toml", "signing.directory = \"d\"\nsigning.minimum_rsa_bits = 1024\n" + more);
  }

  void key(const std::string& name, const std::string& pem = vectors::kEd25519Pem) const {
    const fs::path path = folder_.write("k/" + name, pem);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
  }
  void domain(const std::string& name, const std::string& file,
              const std::string& more = "") const {
    folder_.write("d/" + name + ".toml", "[[signing.domain]]\ndomain = \"" + name +
                                             "\"\nkeys = [{selector = \"s\", file = \"" +
                                             path("k/" + file) + "\"}]\n" + more);
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const std::string& text) const { folder_.write(name, text); }

  std::shared_ptr<const KeyRing> load(const KeyRing* previous = nullptr) const {
    const auto config = load_config(path("a.toml"), "mx.example.org", previous);
    REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
    const auto ring = KeyRing::load(config->signing, previous);
    REQUIRE_MESSAGE(ring, (ring ? "" : ring.error().message));
    return *ring;
  }

 private:
  TemporaryFolder folder_;
};

DomainName name(const char* text) { return *DomainName::parse(text); }

std::size_t keys(const KeyRing& ring, const char* domain) {
  return ring.keys_for(name(domain)).size();
}

}  // namespace

TEST_CASE("a drop-in whose key cannot be had is a fault, and its mail waits") {
  const Organisation organisation;
  organisation.key("good");
  organisation.key("bad", "no key");
  organisation.domain("good.example", "good");
  organisation.domain("bad.example", "bad");
  const auto ring = organisation.load();
  CHECK(keys(*ring, "good.example") == 1);
  CHECK(keys(*ring, "bad.example") == 0);
  CHECK(ring->fault_of(name("good.example")).empty());
  CHECK(ring->fault_of(name("other.example")).empty());
  const std::string fault = organisation.path("d/bad.example.toml") +
                            ":3:9: " + organisation.path("k/bad") +
                            ": not a private key in PEM form";
  CHECK(ring->fault_of(name("bad.example")) == fault);
  CHECK(ring->faults() ==
        std::vector<std::string>{fault + "; until then mail of the domain has to wait"});
  // When it is right it signs.
  organisation.key("bad");
  const auto repaired = organisation.load(ring.get());
  CHECK(keys(*repaired, "bad.example") == 1);
  CHECK(repaired->faults().empty());
}

TEST_CASE("a domain keeps the keys that it has while a drop-in is wrong") {
  const Organisation organisation;
  organisation.key("one");
  organisation.domain("a.example", "one");
  const auto first = organisation.load();
  const auto key = first->keys_for(name("a.example")).front().key;

  organisation.domain("a.example", "two");  // which is not there
  const auto without_file = organisation.load(first.get());
  REQUIRE(keys(*without_file, "a.example") == 1);
  CHECK(without_file->keys_for(name("a.example")).front().key == key);
  CHECK(without_file->faults() ==
        std::vector<std::string>{
            organisation.path("d/a.example.toml") + ":3:9: " + organisation.path("k/two") +
            ": No such file or directory; the keys that the domain has had go on signing"});

  organisation.write("d/a.example.toml", "[[signing.domain]]\ndomain = \"a.example\"\nkeys =\n");
  const auto without_table = organisation.load(without_file.get());
  CHECK(keys(*without_table, "a.example") == 1);
  CHECK(without_table->faults().size() == 1);

  // The key that has come meanwhile is taken as soon as the file says so.
  organisation.key("two", vectors::kRsaPem);
  organisation.domain("a.example", "two");
  const auto repaired = organisation.load(without_table.get());
  REQUIRE(keys(*repaired, "a.example") == 1);
  CHECK(repaired->keys_for(name("a.example")).front().key->type() == KeyType::rsa);
  CHECK(repaired->faults().empty());

  fs::remove(organisation.path("d/a.example.toml"));
  const auto removed = organisation.load(repaired.get());
  CHECK(keys(*removed, "a.example") == 0);
  CHECK(removed->fault_of(name("a.example")).empty());
}

TEST_CASE("a key that is missing is found by the next reload, also when its drop-in is unchanged") {
  const Organisation organisation;
  organisation.key("one");
  organisation.domain("a.example", "one");
  const auto first = organisation.load();
  organisation.domain("a.example", "two");
  ::usleep(3'200'000);  // the drop-in is settled
  const auto second = organisation.load(first.get());
  CHECK(second->faults().size() == 1);
  organisation.key("two", vectors::kRsaPem);
  const auto third = organisation.load(second.get());
  CHECK(third->keys_for(name("a.example")).front().key->type() == KeyType::rsa);
}

TEST_CASE("a bad key of the main file stops the load, whatever the drop-ins are like") {
  const Organisation organisation(
      "[[signing.domain]]\ndomain = \"main.example\"\nkeys = [{selector = \"s\", file = "
      "\"none\"}]\n");
  organisation.domain("a.example", "none");
  const auto config = load_config(organisation.path("a.toml"), "mx.example.org");
  REQUIRE(config);
  const auto ring = KeyRing::load(config->signing);
  REQUIRE_FALSE(ring);
  CHECK(ring.error().message == organisation.path("a.toml") + ":5:9: " + organisation.path("none") +
                                    ": No such file or directory");
}

TEST_CASE("a bad key of the tables stops the load, whatever the drop-ins are like") {
  const Organisation organisation(
      "signing.key_table = \"keys\"\nsigning.signing_table = \"senders\"\n");
  organisation.write("keys", "one example.com:s:" + organisation.path("none") + "\n");
  organisation.write("senders", "example.com one\n");
  for (int i = 0; i < 100; ++i) {
    const std::string number = std::to_string(i);
    organisation.key(number);
    organisation.domain("d" + number + ".example", number);
  }
  const auto config = load_config(organisation.path("a.toml"), "mx.example.org");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  const auto ring = KeyRing::load(config->signing);
  REQUIRE_FALSE(ring);
  CHECK(ring.error().message == organisation.path("keys") + ":1:1: " + organisation.path("none") +
                                    ": No such file or directory");
}

TEST_CASE("of many keys each is tried when it is first used, and a bad one cannot sign") {
  const Organisation organisation;
  // It has the form of a key, but one character of its modulus is another.
  std::string torn = generate_private_key(KeyType::rsa, 1024)->pem;
  char& in_modulus = torn[150];
  in_modulus = in_modulus == 'A' ? 'B' : 'A';
  organisation.key("torn", torn);
  organisation.domain("torn.example", "torn");
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    organisation.key(
        number, std::string(vectors::kEd25519Pem) + std::string(static_cast<std::size_t>(i), '\n'));
    organisation.domain("d" + number + ".example", number);
  }
  organisation.key("short", vectors::kRsaPem);
  organisation.domain("short.example", "short");
  const auto ring = organisation.load();
  CHECK(ring->faults().empty());
  const auto bad = ring->keys_for(name("torn.example")).front().key;
  CHECK(bad->type() == KeyType::rsa);
  CHECK(bad->bits() == 1024);
  CHECK_FALSE(bad->sign_sha256(sha256("x")));
  CHECK(bad->dns_public_key().empty());
  const auto good = ring->keys_for(name("short.example")).front().key;
  const auto plain = private_key_from_pem(vectors::kRsaPem, "k");
  CHECK(*good->sign_sha256(sha256("x")) == *(*plain)->sign_sha256(sha256("x")));
  CHECK(good->dns_public_key() == (*plain)->dns_public_key());
  // A length that is refused is seen at once.
  organisation.write("a.toml", "signing.directory = \"d\"\n");
  const auto strict = organisation.load();
  CHECK(strict->faults().size() == 2);
  CHECK(strict->fault_of(name("short.example"))
            .ends_with("an RSA key of 1024 bits: signing.minimum_rsa_bits is 2048"));
}

TEST_CASE("a runtime lets go of the text of its domains, and a reload needs none of it") {
  const Organisation organisation;
  organisation.key("one");
  organisation.domain("a.example", "one");
  const auto first = Runtime::load(organisation.path("a.toml"), "mx.example.org");
  REQUIRE_MESSAGE(first, (first ? "" : first.error().message));
  CHECK((*first)->config().signing.drop_ins.empty());
  CHECK(keys((*first)->keys(), "a.example") == 1);
  organisation.write("d/a.example.toml", "[[");
  const auto second = Runtime::load(organisation.path("a.toml"), "mx.example.org", first->get());
  REQUIRE(second);
  CHECK(keys((*second)->keys(), "a.example") == 1);
  CHECK((*second)->keys().faults().size() == 1);
}

TEST_CASE("what a domain says of its signatures is kept for the next reload, and shared") {
  const auto table = [](const std::string& domain, const std::string& file,
                        const std::string& more) {
    return "[[signing.domain]]\ndomain = \"" + domain + "\"\nkeys = [{selector = \"s\", file = \"" +
           file + "\"}]\n" + more;
  };
  const Organisation organisation("signing.lifetime = \"1d\"\n");
  organisation.key("k");
  const std::string file = organisation.path("k/k");
  const std::string more = "lifetime = \"7d\"\norder = \"ed25519-on-top\"\n";
  organisation.write("d/a.toml", table("a.example", file, more) + table("b.example", file, ""));
  organisation.write("d/c.toml", table("c.example", file, "") + table("d.example", file, more));
  const auto first = organisation.load();
  ::usleep(3'200'000);  // the drop-ins are settled
  const auto second = organisation.load(organisation.load(first.get()).get());
  const auto config = load_config(organisation.path("a.toml"), "mx.example.org", second.get());
  REQUIRE(config);
  REQUIRE(config->signing.drop_ins.at(0)->settled);  // so it comes from the ring
  for (const KeyRing* ring : {first.get(), second.get()}) {
    const auto* own = &ring->profile_for(name("a.example"));
    const auto* common = &ring->profile_for(name("b.example"));
    CHECK(own->lifetime == std::chrono::hours(24 * 7));
    CHECK(own->order == SignatureOrder::ed25519_on_top);
    CHECK(own->headers == default_signed_headers());
    CHECK(common->lifetime == std::chrono::hours(24));
    CHECK(common == &ring->profile_for(name("c.example")));
    CHECK(common == &ring->profile_for(name("away.example")));
    CHECK(own == &ring->profile_for(name("d.example")));
  }
}

TEST_CASE("what signs beside others must be configured") {
  const auto also = [](const std::string& domain) { return "also = [\"" + domain + "\"]\n"; };
  const struct {
    std::string why;
    std::string main;
    std::string drop_in;  // more of a.example
    std::string error;    // behind the folder's name
    std::string fault;
  } rows[] = {
      {"in a drop-in", "signing." + also("a.example"), "", "", ""},
      {"itself", "", also("a.example"), "", ""},
      {"nowhere", "signing." + also("x.example"), "",
       "a.toml:3:16: signing.also: \"x.example\" has no [[signing.domain]], so no keys", ""},
      {"below one that is configured", "signing." + also("x.a.example"), "",
       "a.toml:3:16: signing.also: \"x.a.example\" has no [[signing.domain]], so no keys", ""},
      {"nowhere, of a domain of the main file",
       "[[signing.domain]]\ndomain = \"m.example\"\n" + also("x.example") +
           "keys = [{selector = \"s\", file = \"k/k\"}]\n",
       "", "a.toml:3:1: signing.domain.also: \"x.example\" has no [[signing.domain]], so no keys",
       ""},
      {"nowhere, of a drop-in", "", also("x.example"), "",
       "d/a.example.toml:1:1: signing.domain.also: \"x.example\" has no [[signing.domain]], so no "
       "keys; until then mail of the domain has to wait"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Organisation organisation(row.main);
    organisation.key("k");
    organisation.domain("a.example", "k", row.drop_in);
    const auto config = load_config(organisation.path("a.toml"), "mx.example.org");
    REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
    const auto ring = KeyRing::load(config->signing);
    CHECK((ring ? "" : ring.error().message) ==
          (row.error.empty() ? "" : organisation.path(row.error)));
    if (!ring) continue;
    std::vector<std::string> faults;
    if (!row.fault.empty()) faults.push_back(organisation.path(row.fault));
    CHECK((*ring)->faults() == faults);
    CHECK(keys(**ring, "a.example") == (row.fault.empty() ? 1 : 0));
  }
}

TEST_CASE("what signs beside others may be in a file that cannot be read: its mail waits") {
  const Organisation organisation("signing.also = [\"provider.example\"]\n");
  organisation.key("k");
  organisation.domain("a.example", "k");
  organisation.write("d/provider.toml", "[[");  // which names nothing
  const auto ring = organisation.load();
  CHECK(keys(*ring, "a.example") == 1);
  CHECK(ring->fault_of(name("provider.example")) == "it has no keys");
  REQUIRE(ring->faults().size() == 2);
  CHECK(ring->faults()[1] ==
        organisation.path("a.toml") +
            ":3:16: signing.also: \"provider.example\" has no [[signing.domain]], so no keys; "
            "until then mail that it should sign has to wait");
}

TEST_CASE("a domain goes on as it was while what should sign beside it is not there") {
  const Organisation organisation;
  organisation.key("k");
  organisation.domain("provider.example", "k");
  organisation.domain("a.example", "k", "also = [\"provider.example\"]\nlifetime = \"1d\"\n");
  const auto first = organisation.load();
  fs::remove(organisation.path("d/provider.example.toml"));
  const auto second = organisation.load(first.get());
  CHECK(second->faults().size() == 1);
  CHECK(keys(*second, "a.example") == 1);
  CHECK(second->profile_for(name("a.example")).lifetime == std::chrono::hours(24));
  CHECK(keys(*second, "provider.example") == 0);
  CHECK(second->fault_of(name("provider.example")).empty());
}
