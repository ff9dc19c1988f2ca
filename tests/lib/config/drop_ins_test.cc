#include <authmilter/config.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

using namespace authmilter;
namespace fs = std::filesystem;

namespace {

std::string table(const std::string& domain, const std::string& file = "k.pem") {
  return "[[signing.domain]]\ndomain = \"" + domain + "\"\nkeys = [{selector = \"s\", file = \"" +
         file + "\"}]\n";
}

/// A main file with a directory "domains.d" beside it.
struct Configuration {
  explicit Configuration(const std::string& more = "") {
    fs::create_directory(folder.path() / "domains.d");
    folder.write("a.toml", "signing.directory = \"domains.d\"\n" + more);
  }
  void add(const std::string& name, const std::string& text) const {
    folder.write("domains.d/" + name, text);
  }
  Result<Config> load() const { return load_config(folder.path() / "a.toml", "mx.example.org"); }

  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("each file of signing.directory adds its domains, in the order of the names") {
  const Configuration files(table("main.example"));
  files.add("20.toml", table("c.example") + table("d.example", "/srv/k.pem"));
  files.add("10.toml", table("b.example"));
  files.add("empty.toml", "");
  files.add(".hidden.toml", "[[[");
  files.add("30.toml.dpkg-old", "[[[");
  const auto config = files.load();
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  std::string names;
  for (const auto* domain : config->signing.all_domains()) names += domain->domain.text() + " ";
  CHECK(names == "main.example b.example c.example d.example ");
  const auto& directory = config->signing.directory;
  CHECK(directory == files.folder.path() / "domains.d");
  const auto all = config->signing.all_domains();
  CHECK(all[0]->keys[0].source.text == files.folder.path() / "k.pem");
  CHECK(all[1]->keys[0].source.text == directory / "k.pem");
  CHECK(all[3]->keys[0].source.text == "/srv/k.pem");
  CHECK(all[3]->place.text() == (directory / "20.toml").string() + ":4:1");
  CHECK(all[3]->keys[0].place.text() == (directory / "20.toml").string() + ":6:9");
}

TEST_CASE("where a key is kept") {
  const struct {
    const char* why;
    const char* entry;
    const char* error;  // behind the name of the file; empty: none
  } rows[] = {
      {"a file", "file = \"k.pem\"", ""},
      {"a token", "key = \"pkcs11:token=t;object=o\"", ""},
      {"a credential", "key = \"credential:dkim\"", ""},
      {"neither", "", "3:9: signing.domain.keys: has no file, nor a key that is kept elsewhere"},
      {"both", "file = \"k.pem\", key = \"credential:dkim\"",
       "3:48: signing.domain.keys.key: a key has either a file or a key"},
      {"a credential elsewhere", "key = \"credential:../dkim\"",
       "3:32: signing.domain.keys.key: \"credential:../dkim\" is not a key, write "
       "\"pkcs11:token=...;object=...\" or \"credential:NAME\"; for a file write file = \"PATH\""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto config = parse_config(
        std::string("[[signing.domain]]\ndomain = \"a.example\"\nkeys = [{selector = \"s\"") +
            (*row.entry == '\0' ? "" : ", ") + row.entry + "}]\n",
        "x.toml", "mx.example.org");
    CHECK((config ? "" : config.error().message) ==
          (*row.error == '\0' ? "" : std::string("x.toml:") + row.error));
    if (!config) continue;
    const auto again = parse_config(print_config(*config), "y.toml", "mx.example.org");
    REQUIRE(again);
    CHECK(again->signing.domains[0].keys[0].source == config->signing.domains[0].keys[0].source);
  }
}

namespace {

/// What the last reading found, as a key ring gives it back.
struct Known final : KnownDropIns {
  explicit Known(const SigningConfig& config) : drop_ins(config.drop_ins) {}
  std::shared_ptr<const SigningDropIn> find_drop_in(const std::string& file) const override {
    for (const auto& drop_in : drop_ins) {
      if (*drop_in->file == file) return drop_in;
    }
    return nullptr;
  }
  std::vector<std::shared_ptr<const SigningDropIn>> drop_ins;
};

/// "NAME" with keys, "(NAME)" without, "*" behind one with subdomains.
std::string domains_of(const SigningDropIn& drop_in) {
  std::string names;
  for (const auto& domain : drop_in.domains) {
    const std::string name = domain.domain.text() + (domain.subdomains ? "*" : "");
    names += (names.empty() ? "" : " ") + (domain.keys.empty() ? "(" + name + ")" : name);
  }
  return names;
}

}  // namespace

TEST_CASE("a drop-in that is wrong names file, line and column, and the others load") {
  const struct {
    const char* why;
    const char* text;
    const char* fault;    // behind the name of the file
    const char* domains;  // whose mail has to wait
  } rows[] = {
      {"no TOML", "[[signing.domain]]\ndomain = \"a.example\"\nkeys = [",
       "3:9: ", "(a.example) (bad.example)"},
      {"another section", "[dns]\nzones = []\n",
       "1:2: a file of signing.directory holds [[signing.domain]] only", "(bad.example)"},
      {"another setting", "[signing]\nlifetime = \"1d\"\n",
       "2:1: a file of signing.directory holds [[signing.domain]] only", "(bad.example)"},
      {"a slip", "[[signing.domain]]\ndomain = 'a.example'\nsubdomains = true\nkey = []\n",
       "4:1: unknown key \"key\" in [signing.domain], did you mean \"keys\"?",
       "(a.example*) (bad.example*)"},
      {"one domain twice", nullptr,
       "5:10: signing.domain.domain: \"a.example\" is configured already",
       "(a.example) (bad.example)"},
      {"no domain name", "[[signing.domain]]\ndomain = \"a b\"\nkeys = []\n",
       "2:10: signing.domain.domain: \"a b\" is not a domain name", "(bad.example)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Configuration files(table("main.example"));
    files.add("bad.example.toml",
              row.text == nullptr ? table("a.example") + table("a.example") : row.text);
    files.add("good.toml", table("good.example"));
    const auto config = files.load();
    REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
    REQUIRE(config->signing.drop_ins.size() == 2);
    const SigningDropIn& bad = *config->signing.drop_ins[0];
    const std::string start =
        (files.folder.path() / "domains.d/bad.example.toml:").string() + row.fault;
    CHECK_MESSAGE(bad.fault.starts_with(start), bad.fault);
    CHECK(domains_of(bad) == row.domains);
    CHECK(domains_of(*config->signing.drop_ins[1]) == "good.example");
    CHECK(config->signing.drop_ins[1]->fault.empty());
  }
}

TEST_CASE("what a drop-in said before goes on while it is wrong") {
  const Configuration files;
  files.add("team.toml", table("a.example") + table("b.example"));
  const auto before = files.load();
  REQUIRE(before);
  files.add("team.toml", table("a.example") + table("c.example") + "[[");
  const Known known(before->signing);
  auto after = load_config(files.folder.path() / "a.toml", "mx.example.org", &known);
  REQUIRE(after);
  // c.example has never been read: its mail has to wait.
  CHECK(domains_of(*after->signing.drop_ins[0]) == "a.example b.example (c.example)");
  CHECK_FALSE(after->signing.drop_ins[0]->fault.empty());
  // A second look does not lose it.
  const Known again(after->signing);
  after = load_config(files.folder.path() / "a.toml", "mx.example.org", &again);
  REQUIRE(after);
  CHECK(domains_of(*after->signing.drop_ins[0]) == "a.example b.example (c.example)");
  // Whoever removes the file means it.
  fs::remove(files.folder.path() / "domains.d/team.toml");
  after = load_config(files.folder.path() / "a.toml", "mx.example.org", &again);
  REQUIRE(after);
  CHECK(after->signing.drop_ins.empty());
}

TEST_CASE("what takes the place of a drop-in is a fault, and its domain waits or goes on") {
  const struct {
    const char* why;
    void (*put)(const fs::path& path);
    const char* fault;  // behind the name of the file
  } rows[] = {
      {"a directory", [](const fs::path& path) { fs::create_directory(path); },
       "not a regular file"},
      {"a FIFO", [](const fs::path& path) { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); },
       "not a regular file"},
      {"a device", [](const fs::path& path) { fs::create_symlink("/dev/null", path); },
       "not a regular file"},
      {"a link to nothing", [](const fs::path& path) { fs::create_symlink("gone", path); },
       "cannot read: No such file or directory"},
      {"a file that others may write",
       [](const fs::path& path) {
         std::ofstream(path) << table("evil.example");
         REQUIRE(::chmod(path.c_str(), 0646) == 0);
       },
       "others may write to it: take that away (chmod o-w)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Configuration files;
    const fs::path file = files.folder.path() / "domains.d/a.example.toml";
    files.add("a.example.toml", table("a.example"));
    files.add("b.toml", table("b.example"));
    const auto before = files.load();
    REQUIRE(before);
    fs::remove(file);
    row.put(file);
    const Known known(before->signing);
    for (const Known* last : {&known, static_cast<const Known*>(nullptr)}) {
      const auto after = load_config(files.folder.path() / "a.toml", "mx.example.org", last);
      REQUIRE_MESSAGE(after, (after ? "" : after.error().message));
      REQUIRE(after->signing.drop_ins.size() == 2);
      CHECK(after->signing.drop_ins[0]->fault == file.string() + ": " + row.fault);
      CHECK(domains_of(*after->signing.drop_ins[0]) ==
            (last == nullptr ? "(a.example)" : "a.example"));
      CHECK(domains_of(*after->signing.drop_ins[1]) == "b.example");
    }
  }
}

TEST_CASE("a directory that others may write to is an error") {
  for (const mode_t mode : {0777U, 01777U, 0757U}) {
    CAPTURE(mode);
    const Configuration files;
    const std::string directory = (files.folder.path() / "domains.d").string();
    REQUIRE(::chmod(directory.c_str(), mode) == 0);
    const auto config = files.load();
    REQUIRE_FALSE(config);
    CHECK(config.error().message ==
          directory + ": cannot use signing.directory: others may write to it");
  }
}

TEST_CASE("a domain stays with the file that has it") {
  const Configuration files;
  files.add("5.toml", table("a.example"));
  const auto before = files.load();
  REQUIRE(before);
  files.add("0.toml", table("a.example", "other.pem") + table("c.example"));
  files.add("9.toml", table("a.example", "another.pem"));
  const std::string folder = (files.folder.path() / "domains.d").string();
  const auto refused = [&](const char* loser, const char* owner) {
    return folder + loser + ": signing.domain.domain: \"a.example\" is configured already at " +
           folder + owner + ", which stays in force";
  };
  const auto load = [&](const Config& last) {
    const Known known(last.signing);
    auto config = load_config(files.folder.path() / "a.toml", "mx.example.org", &known);
    REQUIRE(config);
    return *std::move(config);
  };
  Config now = load(*before);
  for (int reload = 0; reload < 2; ++reload) {
    CAPTURE(reload);
    CHECK(domains_of(*now.signing.drop_ins[0]) == "c.example");
    CHECK(domains_of(*now.signing.drop_ins[1]) == "a.example");
    CHECK(domains_of(*now.signing.drop_ins[2]).empty());
    CHECK(now.signing.faults == std::vector<std::string>{refused("/0.toml:1:1", "/5.toml:1:1"),
                                                         refused("/9.toml:1:1", "/5.toml:1:1")});
    now = load(now);
  }
  // Whoever takes it out of the one file means the other, by name.
  fs::remove(folder + "/5.toml");
  now = load(now);
  CHECK(domains_of(*now.signing.drop_ins[0]) == "a.example c.example");
  CHECK(now.signing.faults == std::vector<std::string>{refused("/9.toml:1:1", "/0.toml:1:1")});
}

TEST_CASE("at a start a domain in two files stays with the first") {
  const Configuration files(table("main.example"));
  files.add("1.toml", table("a.example") + table("main.example"));
  files.add("2.toml", table("b.example") + table("a.example"));
  const auto config = files.load();
  REQUIRE(config);
  CHECK(domains_of(*config->signing.drop_ins[0]) == "a.example");
  CHECK(domains_of(*config->signing.drop_ins[1]) == "b.example");
  const std::string folder = (files.folder.path() / "domains.d").string();
  CHECK(config->signing.faults ==
        std::vector<std::string>{
            folder +
                "/1.toml:4:1: signing.domain.domain: \"main.example\" is configured already at " +
                (files.folder.path() / "a.toml").string() + ":2:1, which stays in force",
            folder + "/2.toml:4:1: signing.domain.domain: \"a.example\" is configured already at " +
                folder + "/1.toml:1:1, which stays in force"});
}

TEST_CASE("what can be read comes before what is left of a file that is wrong") {
  const Configuration files;
  files.add("1.toml", table("a.example") + table("b.example"));
  const auto before = files.load();
  REQUIRE(before);
  files.add("1.toml", "[[\ndomain = \"c.example\"\ndomain = \"d.example\"\n");
  files.add("2.toml", table("b.example", "new.pem") + table("c.example"));
  const Known known(before->signing);
  const auto after = load_config(files.folder.path() / "a.toml", "mx.example.org", &known);
  REQUIRE(after);
  CHECK(domains_of(*after->signing.drop_ins[0]) == "a.example (d.example)");
  CHECK(domains_of(*after->signing.drop_ins[1]) == "b.example c.example");
  CHECK(after->signing.faults.empty());
}

TEST_CASE("a directory that is not there is an error") {
  const TemporaryFolder folder;
  const auto file = folder.write("a.toml", "signing.directory = \"none.d\"\n");
  const auto config = load_config(file, "mx.example.org");
  REQUIRE_FALSE(config);
  CHECK(config.error().message == (folder.path() / "none.d").string() +
                                      ": cannot read signing.directory: No such file or directory");
}
