#include <authmilter/crypto.h>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_folder.h"
#include "vectors.h"

using authmilter::PrivateKey;
using authmilter::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text, mode_t mode) {
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

/// What from_file says, without the path in front; empty when it takes the key.
std::string refusal(const fs::path& path) {
  const auto key = PrivateKey::from_file(path);
  if (key) return "";
  const std::string prefix = path.string() + ": ";
  REQUIRE(key.error().message.starts_with(prefix));
  return key.error().message.substr(prefix.size());
}

}  // namespace

TEST_CASE("who else may touch a key file") {
  const TemporaryFolder directory;
  const fs::path path = directory.path() / "key.pem";
  const struct {
    mode_t mode;
    const char* refusal;
  } rows[] = {
      {0600, ""},
      {0400, ""},
      {0640, ""},
      {0440, ""},
      {0644, "open to others (mode 0644)"},
      {0604, "open to others (mode 0604)"},
      {0602, "open to others (mode 0602)"},
      {0660, "its group may write to it (mode 0660)"},
      {0620, "its group may write to it (mode 0620)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.mode);
    fs::remove(path);
    write(path, vectors::kEd25519Pem, row.mode);
    CHECK(refusal(path) == row.refusal);
  }
}

TEST_CASE("what is a key file") {
  const TemporaryFolder directory;
  const fs::path path = directory.path() / "key.pem";
  SUBCASE("missing") { CHECK(refusal(path) == "No such file or directory"); }
  SUBCASE("in a missing directory") {
    CHECK(refusal(directory.path() / "no" / "key.pem") == "No such file or directory");
  }
  SUBCASE("a symbolic link") {
    write(directory.path() / "real.pem", vectors::kEd25519Pem, 0600);
    fs::create_symlink("real.pem", path);
    CHECK(refusal(path) == "a symbolic link, not a regular file");
  }
  SUBCASE("a directory") {
    fs::create_directory(path);
    CHECK(refusal(path) == "not a regular file");
  }
  SUBCASE("a FIFO does not block") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(refusal(path) == "not a regular file");
  }
  SUBCASE("a device") { CHECK(refusal("/dev/null") == "not a regular file"); }
  SUBCASE("64 KiB are read") {
    std::string text = vectors::kEd25519Pem;
    text.resize(64UL * 1024, '\n');
    write(path, text, 0600);
    CHECK(refusal(path) == "");
  }
  SUBCASE("one octet more is not") {
    std::string text = vectors::kEd25519Pem;
    text.resize(64UL * 1024 + 1, '\n');
    write(path, text, 0600);
    CHECK(refusal(path) == "more than 64 KiB");
  }
  SUBCASE("without a key") {
    write(path, "", 0600);
    CHECK(refusal(path) == "not a private key in PEM form");
  }
  SUBCASE("another user's") {
    if (::geteuid() != 0) return;  // only root can give a file away
    write(path, vectors::kEd25519Pem, 0600);
    REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
    CHECK(refusal(path) == "owned by neither root nor the user that runs this program");
  }
}

TEST_CASE("directories on the way to a key file") {
  const TemporaryFolder directory;
  const fs::path upper = directory.path() / "upper";
  const fs::path lower = upper / "lower";
  fs::create_directories(lower);
  write(lower / "key.pem", vectors::kEd25519Pem, 0600);
  const fs::path link = directory.path() / "link";
  fs::create_directory_symlink(lower, link);
  const auto with_modes = [&](mode_t upper_mode, mode_t lower_mode, const fs::path& path) {
    REQUIRE(::chmod(lower.c_str(), lower_mode) == 0);
    REQUIRE(::chmod(upper.c_str(), upper_mode) == 0);
    return refusal(path);
  };
  const fs::path path = lower / "key.pem";
  CHECK(with_modes(0755, 0700, path) == "");
  CHECK(with_modes(0777, 0700, path) == "others may write to " + upper.string());
  CHECK(with_modes(01777, 0700, path) == "");
  CHECK(with_modes(0755, 0707, path) == "others may write to " + lower.string());
  CHECK(with_modes(0755, 0755, link / "key.pem") == "");
  CHECK(with_modes(0777, 0755, link / "key.pem") == "others may write to " + upper.string());
}
