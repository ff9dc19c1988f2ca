#include <authmilter/config.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "support/temporary_folder.h"

using namespace authmilter;

TEST_CASE("relative paths start at the configuration's folder") {
  const TemporaryFolder folder;
  const auto file = folder.write("a.toml", R"(
dns.zones = ["test.zone", "/srv/b.zone"]
dns.trust_anchor = "root.key"
[[signing.domain]]
domain = "example.org"
keys = [ { selector = "a", file = "../keys/a.pem" } ]
)");
  const auto config = load_config(file, "mx.example.org");
  REQUIRE(config);
  CHECK(config->dns.zones[0] == folder.path() / "test.zone");
  CHECK(config->dns.zones[1] == "/srv/b.zone");
  CHECK(config->signing.domains[0].keys[0].source.text ==
        folder.path().parent_path() / "keys/a.pem");
  CHECK(config->dns.trust_anchor == folder.path() / "root.key");
  CHECK(config->signing.domains[0].keys[0].place.text() == file.string() + ":6:10");
}

TEST_CASE("a file that cannot be read is named with the reason") {
  const TemporaryFolder folder;
  const auto missing = folder.path() / "missing.toml";
  CHECK(load_config(missing, "mx.example.org").error().message ==
        missing.string() + ": cannot read: No such file or directory");
  CHECK(load_config(folder.path(), "mx.example.org").error().message ==
        folder.path().string() + ": cannot read: not a regular file");
  const auto large = folder.write("large.toml", "");
  std::filesystem::resize_file(large, (64U << 20U) + 1);
  CHECK(load_config(large, "mx.example.org").error().message ==
        large.string() + ": cannot read: larger than 67108864 octets");
  const auto bad = folder.write("bad.toml", "[dns]\ntimeout = 5\n");
  CHECK(load_config(bad, "mx.example.org").error().message ==
        bad.string() + ":2:11: dns.timeout: must be a string, not an integer");
}

TEST_CASE("what is no regular file is an error, wherever a file is named, and never waited for") {
  const TemporaryFolder folder;
  folder.write("keys", "k example.org:s:/k.pem\n");
  const auto fifo = folder.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const struct {
    const char* why;
    std::string text;
    const char* error;
  } rows[] = {
      {"a login map", "login_map = \"NAME\"\n",
       "cannot read signing.login_map: not a regular file"},
      {"... in Postfix's form", "login_map = \"postfix:NAME\"\n",
       "cannot read signing.login_map: not a regular file"},
      {"keys of OpenDKIM", "key_table = \"NAME\"\nsigning_table = \"keys\"\n",
       "cannot read: not a regular file"},
      {"its senders", "key_table = \"keys\"\nsigning_table = \"refile:NAME\"\n",
       "cannot read: not a regular file"},
  };
  for (const std::string name : {"fifo", "null"}) {
    std::filesystem::remove(folder.path() / "null");
    std::filesystem::create_symlink("/dev/null", folder.path() / "null");
    const std::string path = (folder.path() / name).string() + ": ";
    CHECK(load_config(folder.path() / name, "mx.example.org").error().message ==
          path + "cannot read: not a regular file");
    for (const auto& row : rows) {
      CAPTURE(row.why);
      std::string text = "[signing]\n" + row.text;
      text.replace(text.find("NAME"), 4, name);
      const auto config = load_config(folder.write("a.toml", text), "mx.example.org");
      REQUIRE_FALSE(config);
      CHECK(config.error().message == path + row.error);
    }
  }
}
