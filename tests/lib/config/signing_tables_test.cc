#include <authmilter/config.h>
#include <authmilter/key_ring.h>
#include <authmilter/signing_tables.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "lib/crypto/vectors.h"
#include "support/temporary_folder.h"

using namespace authmilter;
namespace fs = std::filesystem;

namespace {

constexpr const char* kKeys =
    "# name  domain:selector:file\n"
    "a       example.com:sa:/a.pem   # a comment\n"
    "b       example.com:sb:./b.pem\n"
    "each    %:s:/keys/%/s.pem\n"
    "\n"
    "example.net  example.net:sn:/n.pem\n"
    "b       example.org:again:/x.pem\n"
    "A       example.org:later:/x.pem\n";

/// "d/s" of each key, or the error.
std::string chosen(const std::string& kind, const std::string& senders, const std::string& author,
                   TableMatches matches = TableMatches::first) {
  const TemporaryFolder folder;
  folder.write("keys", kKeys);
  folder.write("senders", senders);
  const auto tables = SigningTables::load(
      {*DataSetName::parse("file:keys"), *DataSetName::parse(kind + "senders"), matches},
      folder.path());
  if (!tables) return tables.error().message.substr(folder.path().string().size() + 1);
  const ReversePath address = parse_reverse_path(author);
  std::string found;
  for (const TableKey& key : (*tables)->choose(address.local_part, *address.domain))
    found += (found.empty() ? "" : " ") + key.domain + "/" + key.selector;
  return found;
}

}  // namespace

TEST_CASE("OpenDKIM's SigningTable (opendkim.conf(5))") {
  using enum TableMatches;
  const struct {
    const char* why;
    const char* kind;
    const char* senders;
    const char* author;
    TableMatches matches;
    const char* keys;
  } rows[] = {
      {"patterns: a domain", "refile:", "*@example.com a\n", "u@example.com", first,
       "example.com/sa"},
      {"... not below it", "refile:", "*@example.com a\n", "u@x.example.com", first, ""},
      {"... below it", "refile:", "*@*.example.com a\n", "u@x.example.com", first,
       "example.com/sa"},
      {"... in capitals", "refile:", "*@Example.COM a\n", "U@EXAMPLE.com", first, "example.com/sa"},
      {"the first line that matches", "refile:", "*@*.com b\n*@example.com a\n", "u@example.com",
       first, "example.com/sb"},
      {"all of them", "refile:", "*@*.com b\n*@example.com a\n", "u@example.com", all,
       "example.com/sb example.com/sa"},
      {"one key twice signs once", "refile:", "u@example.com a\n*@example.com a\n", "u@example.com",
       all, "example.com/sa"},
      {"a user before the domain", "refile:", "ceo@example.com b\n*@example.com a\n",
       "ceo@example.com", first, "example.com/sb"},
      {"a wildcard in the user", "refile:", "ceo*@example.com b\n*@example.com a\n",
       "ceo2@example.com", first, "example.com/sb"},
      {"a wildcard in a label", "refile:", "*@*ple.com a\n", "u@example.com", first,
       "example.com/sa"},
      {"a wildcard in the middle", "refile:", "*@mail*.example.com a\n", "u@mail7.example.com",
       first, "example.com/sa"},
      {"everybody", "refile:", "* a\n", "u@elsewhere.example", first, "example.com/sa"},
      {"nobody", "refile:", "*@example.com a\n", "u@elsewhere.example", first, ""},
      {"the key with the author's domain for its name", "refile:", "* %\n", "u@example.net", first,
       "example.net/sn"},
      {"... which there is not", "refile:", "* %\n", "u@example.com", first, ""},
      {"a key's name in capitals is another one", "refile:", "* A\n", "u@example.com", first,
       "example.org/later"},
      {"of two keys with one name the first", "refile:", "* b\n", "u@example.com", first,
       "example.com/sb"},
      {"an i= tag is not made", "refile:", "* a:postmaster@example.com\n", "u@example.com", first,
       "example.com/sa"},

      {"names: an address", "file:", "u@example.com a\nexample.com b\n", "u@example.com", first,
       "example.com/sa"},
      {"... and its domain", "file:", "u@example.com a\nexample.com b\n", "u@example.com", all,
       "example.com/sa example.com/sb"},
      {"a domain", "file:", "example.com b\n", "x@example.com", first, "example.com/sb"},
      {"not below it", "file:", "example.com b\n", "x@y.example.com", first, ""},
      {"below it", "file:", ".example.com b\n", "x@y.z.example.com", first, "example.com/sb"},
      {"a user below it comes before the domain below it",
       "file:", ".example.com a\nx@.example.com b\n", "x@y.example.com", first, "example.com/sb"},
      {"a user anywhere", "file:", "x@* b\n* a\n", "x@example.com", first, "example.com/sb"},
      {"everybody", "file:", "x@* b\n* a\n", "y@example.com", first, "example.com/sa"},
      {"a wildcard is none", "file:", "*@example.com a\n", "u@example.com", first, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(chosen(row.kind, row.senders, row.author, row.matches) == row.keys);
  }
}

TEST_CASE("a wrong line of OpenDKIM's tables names file and line") {
  CHECK(chosen("refile:", "*@a.example a\n*@b.example none\n", "u@a.example") ==
        "senders:2:1: key \"none\" is not in signing.key_table");
  CHECK(chosen("refile:", "\n  *@a.example\n", "u@a.example") ==
        "senders:2:3: \"*@a.example\" names no key");
  const struct {
    std::string keys;
    const char* error;
  } rows[] = {
      {"a example.com:s:/k\nb Example.com:S:/l\n",
       "keys:2:1: selector \"s\" of example.com has another key at "},
      {"a %:s:/k/%\nb %:s:/l/%\n", "keys:2:1: selector \"s\" of % has another key at "},
      {std::string("a example.com:s:/k\nb x.example:s:/k\0.pem\n", 41),
       "keys:2:17: a control character"},
      {"a example.com:s:/k\rb x.example:s:/l\n", "keys:1:19: a control character"},
      {"\xef\xbb\xbf"
       "a example.com:s:/k\n",
       "keys:1:1: begins with a byte order mark: save the file without one"},
      {"a example.com:s\n", "keys:1:1: key \"a\": is not of the form DOMAIN:SELECTOR:FILE"},
      {"\na b c:s:/k\n", "keys:2:1: key \"a\": \"b c\" is not a domain name"},
      {"a example.com:s s:/k\n", "keys:1:1: key \"a\": "},
      {"a example.com:s:\n", "keys:1:1: key \"a\": names no file"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.keys);
    const TemporaryFolder folder;
    folder.write("keys", row.keys);
    const auto tables = SigningTables::load(
        {*DataSetName::parse("keys"), *DataSetName::parse("csl:x=a"), TableMatches::first},
        folder.path());
    REQUIRE_FALSE(tables);
    CHECK_MESSAGE(tables.error().message.starts_with((folder.path() / row.error).string()),
                  tables.error().message);
  }
  const struct {
    const char* text;
    const char* kept;  // as it is printed; null: refused
  } names[] = {
      {"FILE:/a", "file:/a"},
      {"ReFile:a", "refile:a"},
      {"/a=b", "file:/a=b"},
      {"a", "file:a"},
      {"example.com=a,*=b", "csl:example.com=a,*=b"},
      {"csl:a=example.com:s:/k", "csl:a=example.com:s:/k"},
      {"a=example.com:s:/k", "csl:a=example.com:s:/k"},
      {"ldap:x", nullptr},
      {"dsn:mysql://u:p@h/d/table=t?keycol=k?datacol=v", nullptr},
      {"refile:", nullptr},
  };
  for (const auto& row : names) {
    CAPTURE(row.text);
    const auto name = DataSetName::parse(row.text);
    CHECK((name ? name->text() : "") == (row.kept == nullptr ? "" : row.kept));
  }
  // One key may have several names.
  const TemporaryFolder folder;
  folder.write("keys", "a example.com:s:/k\r\nb\texample.com:s:/k\r\n");
  CHECK(SigningTables::load(
      {*DataSetName::parse("keys"), *DataSetName::parse("csl:x=a"), TableMatches::first},
      folder.path()));
  folder.write("senders", "x@example.com a\n\vy@example.com a\n");
  const auto senders = SigningTables::load(
      {*DataSetName::parse("keys"), *DataSetName::parse("senders"), TableMatches::first},
      folder.path());
  REQUIRE_FALSE(senders);
  CHECK(senders.error().message ==
        (folder.path() / "senders").string() + ":2:1: a control character");
  const auto alone = parse_config("[signing]\nkey_table = \"x\"\n", "x.toml", "mx.example.org");
  REQUIRE_FALSE(alone);
  CHECK(alone.error().message ==
        "x.toml:2:13: signing.key_table: needs signing.signing_table beside it");
}

TEST_CASE("the keys of OpenDKIM's tables are in the ring, behind those of the domains") {
  const TemporaryFolder folder;
  const auto key = [&](const std::string& name, const char* pem) {
    const auto path = folder.write(name, pem);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
  };
  fs::create_directories(folder.path() / "each/a.example");
  fs::create_directory(folder.path() / "each/not a domain");
  key("each/a.example/s.pem", vectors::kEd25519Pem);
  key("one.pem", vectors::kEd25519Pem);
  folder.write("keys", "each %:s:./each/%/s.pem\nall provider.example:p:./one.pem\n");
  folder.write("senders", "*@*.example each\nboss@b.test all\n*@c.test all\n");
  const auto file =
      folder.write("a.toml",
                   "[signing]\nkey_table = \"keys\"\nsigning_table = \"refile:senders\"\n"
                   "multiple_signatures = true\n"
                   "[[signing.domain]]\ndomain = \"own.c.test\"\n"
                   "keys = [{selector = \"own\", file = \"one.pem\"}]\n");
  const auto config = load_config(file, "mx.example.org");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  const auto ring = KeyRing::load(config->signing);
  REQUIRE_MESSAGE(ring, (ring ? "" : ring.error().message));
  const struct {
    const char* user;
    const char* domain;
    const char* keys;
  } rows[] = {
      {"u", "a.example", "a.example/s"},        {"u", "b.example", ""},  // has no file
      {"boss", "b.test", "provider.example/p"}, {"u", "b.test", ""},
      {"", "c.test", "provider.example/p"},     {"u", "own.c.test", "own.c.test/own"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.domain);
    std::string found;
    for (const SigningKey& signing : (*ring)->keys_for(*DomainName::parse(row.domain), row.user))
      found += signing.domain.text() + "/" + signing.selector.text();
    CHECK(found == row.keys);
  }
  CHECK_FALSE((*ring)->single_owner());
  fs::remove(folder.path() / "one.pem");
  folder.write("a.toml", "[signing]\nkey_table = \"keys\"\nsigning_table = \"refile:senders\"\n");
  const auto without = load_config(file, "mx.example.org");
  REQUIRE(without);
  const auto failed = KeyRing::load(without->signing);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == (folder.path() / "keys").string() +
                                      ":2:1: " + (folder.path() / "one.pem").string() +
                                      ": No such file or directory");
}

TEST_CASE("a key in the KeyTable itself") {
  const TemporaryFolder folder;
  const std::string pem = vectors::kEd25519Pem;
  std::string base64 = pem.substr(pem.find('\n') + 1);
  base64.resize(base64.find('\n'));
  const std::string line = "-----BEGIN PRIVATE KEY-----" + base64 + "-----END PRIVATE KEY-----";
  const auto keys = folder.path() / "keys";
  const struct {
    const char* why;
    std::string key;
    mode_t mode;
    std::string error;  // of the ring
  } rows[] = {
      {"base64", base64, 0600, ""},
      {"PEM", line, 0640, ""},
      {"others may read it", base64, 0644,
       keys.string() + ": open to others (mode 0644); keys stand in it"},
      {"not a key", "MIIEogIBAAKCAQ==", 0600,
       keys.string() + ":1:1: the key in the table: not a usable private key in PEM form"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto path = folder.write("keys", "a %:s:" + row.key + "\n");
    REQUIRE(::chmod(path.c_str(), row.mode) == 0);
    SigningConfig config;
    const auto tables = SigningTables::load(
        {*DataSetName::parse("file:keys"), *DataSetName::parse("*=a"), TableMatches::first},
        folder.path());
    REQUIRE(tables);
    config.tables = *tables;
    const auto ring = KeyRing::load(config);
    CHECK((ring ? "" : ring.error().message) == row.error);
    if (!ring) continue;
    const auto found = (*ring)->keys_for(*DomainName::parse("x.example"), "u");
    REQUIRE(found.size() == 1);
    CHECK(found.front().domain.text() == "x.example");
    CHECK(found.front().key->dns_public_key() ==
          (*private_key_from_pem(pem, "k"))->dns_public_key());
  }
}
