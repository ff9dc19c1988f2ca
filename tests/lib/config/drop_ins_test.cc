#include <authmilter/config.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

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
  REQUIRE(::mkfifo((files.folder.path() / "domains.d/fifo.toml").c_str(), 0600) == 0);
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
       "3:47: signing.domain.keys.key: a key has either a file or a key"},
      {"a credential elsewhere", "key = \"credential:../dkim\"",
       "3:31: signing.domain.keys.key: \"credential:../dkim\" is not a key, write "
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
