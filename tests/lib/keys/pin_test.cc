#include "keys/pin.h"

#include <authmilter/key_file.h>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "../crypto/vectors.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;
using namespace authmilter;

namespace {

void write(const fs::path& path, std::string_view text, mode_t mode) {
  std::ofstream(path, std::ios::binary) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

/// The PIN, or "! " and the refusal without the path in front.
std::string read(const PinSource& source) {
  auto pin = read_pin(source);
  if (!pin) {
    const std::string& message = pin.error().message;
    const std::size_t colon = message.find(": ");
    return "! " + message.substr(colon + 2);
  }
  const auto octets = pin->text.octets();
  return std::string(octets.data(), octets.size());
}

/// $CREDENTIALS_DIRECTORY while this lives.
struct Credentials {
  explicit Credentials(const fs::path& folder) {
    ::setenv("CREDENTIALS_DIRECTORY", folder.c_str(), 1);
  }
  ~Credentials() { ::unsetenv("CREDENTIALS_DIRECTORY"); }
};

}  // namespace

TEST_CASE("a PIN is one line of a file that nobody else can read (A344)") {
  const struct {
    const char* why;
    std::string text;
    mode_t mode;
    const char* read;
  } rows[] = {
      {"without a line end", "4711", 0600, "4711"},
      {"with one", "4711\n", 0600, "4711"},
      {"with that of another system", "4711\r\n", 0400, "4711"},
      {"a blank belongs to it", " 4711 \n", 0600, " 4711 "},
      {"as long as it may be", std::string(255, '1') + "\n", 0600, nullptr},
      {"longer", std::string(256, '1'), 0600, "! not one line of at most 255 octets"},
      {"two lines", "4711\n0815\n", 0600, "! not one line of at most 255 octets"},
      {"nothing", "\n", 0600, "! empty"},
      {"others may read", "4711", 0604, "! open to others (mode 0604)"},
      {"its group may write", "4711", 0620, "! its group may write to it (mode 0620)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "pin";
    write(path, row.text, row.mode);
    const std::string wanted = row.read == nullptr ? std::string(255, '1') : row.read;
    CHECK(read({PinStore::file, path.string()}) == wanted);
  }
}

TEST_CASE("a PIN's version changes with its file") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "pin";
  write(path, "4711", 0600);
  const PinSource source{PinStore::file, path.string()};
  const std::string before = read_pin(source)->version;
  CHECK(read_pin(source)->version == before);
  write(folder.path() / "new", "4712", 0600);
  fs::rename(folder.path() / "new", path);
  CHECK(read_pin(source)->version != before);
  CHECK(before.find("4711") == std::string::npos);
}

TEST_CASE("a symbolic link or nothing is no file with a PIN") {
  const TemporaryFolder folder;
  write(folder.path() / "pin", "4711", 0600);
  fs::create_symlink("pin", folder.path() / "link");
  CHECK(read({PinStore::file, (folder.path() / "link").string()}) ==
        "! a symbolic link, not a regular file");
  CHECK(read({PinStore::file, (folder.path() / "none").string()}) == "! No such file or directory");
}

TEST_CASE("credentials as systemd hands them over (systemd.exec(5))") {
  const TemporaryFolder folder;
  const Credentials credentials(folder.path());
  write(folder.path() / "pin", "4711\n", 0400);
  write(folder.path() / "key", vectors::kEd25519Pem, 0400);
  write(folder.path() / "open", vectors::kEd25519Pem, 0404);
  CHECK(read({PinStore::credential, "pin"}) == "4711");
  CHECK(fetch_key({KeyStore::credential, "key"}));
  const auto none = fetch_key({KeyStore::credential, "none"});
  REQUIRE_FALSE(none);
  CHECK(none.error().message.starts_with("credential:none: "));
  CHECK_FALSE(fetch_key({KeyStore::credential, "open"}));
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can give files away");
    return;
  }
  // systemd 252 on ramfs: all is the service's user's, and root reads it too.
  REQUIRE(::chown((folder.path() / "key").c_str(), 12345, 0) == 0);
  REQUIRE(::chown(folder.path().c_str(), 12345, 0) == 0);
  CHECK(fetch_key({KeyStore::credential, "key"}));
  CHECK_FALSE(read_key_file(folder.path() / "key"));
}
