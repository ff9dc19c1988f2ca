#include <authmilter/key_file.h>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "keys/key_files.h"
#include "lib/crypto/vectors.h"
#include "support/temporary_folder.h"

using authmilter::KeyFileReader;
using authmilter::KeyOfFile;
using authmilter::KeyTrial;
using authmilter::KnownKeyFiles;
using authmilter::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text, mode_t mode) {
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

/// Runs what follows as this user and group; root only.
class Account {
 public:
  Account(uid_t user, gid_t group) {
    REQUIRE(::setegid(group) == 0);
    REQUIRE(::seteuid(user) == 0);
  }
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;
  ~Account() {
    if (::seteuid(0) != 0 || ::setegid(0) != 0) std::abort();
  }
};

// acl(5), and the tags of its entries as the kernel numbers them.
constexpr std::uint16_t kUserObj = 0x01;
constexpr std::uint16_t kUser = 0x02;
constexpr std::uint16_t kGroupObj = 0x04;
constexpr std::uint16_t kGroupTag = 0x08;
constexpr std::uint16_t kMask = 0x10;
constexpr std::uint16_t kOther = 0x20;
struct Entry {
  std::uint16_t tag;
  std::uint16_t rights;
  std::uint32_t id = 0xffffffff;
};

std::string access_list(const std::vector<Entry>& entries) {
  std::string octets;
  const auto add = [&](std::uint32_t number, unsigned size) {
    for (unsigned i = 0; i < size; ++i) octets += static_cast<char>(number >> (8 * i) & 0xffU);
  };
  add(2, 4);
  for (const Entry& entry : entries) {
    add(entry.tag, 2);
    add(entry.rights, 2);
    add(entry.id, 4);
  }
  return octets;
}

/// What read_key_file says, without the path in front; empty when it takes the key.
std::string refusal(const fs::path& path) {
  const auto key = authmilter::read_key_file(path);
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

TEST_CASE("the way to the keys of many domains, each in a directory of its own") {
  const TemporaryFolder folder;
  const fs::path keys = folder.path() / "keys";
  for (const char* name : {"a", "b", "open", "real"}) fs::create_directories(keys / name);
  for (const char* name : {"a", "b", "open", "real"})
    write(keys / name / "s.pem", vectors::kEd25519Pem, 0600);
  fs::create_directory_symlink("real", keys / "link");
  fs::create_directory_symlink("open", keys / "link-to-open");
  fs::permissions(keys / "open", fs::perms::others_write, fs::perm_options::add);
  const KnownKeyFiles none;
  KeyFileReader reader(none, KeyTrial::when_used);
  const std::string open = "others may write to " + (keys / "open").string();
  const struct {
    const char* path;
    std::string error;
  } rows[] = {
      {"a/s.pem", ""},
      {"b/s.pem", ""},
      {"link/s.pem", ""},
      {"a/../b/s.pem", ""},
      {"open/s.pem", open},
      {"link-to-open/s.pem", open},
      {"none/s.pem", "No such file or directory"},
      {"a/s.pem/s.pem", (keys / "a/s.pem").string() + ": Not a directory"},
      {"b/none.pem", "No such file or directory"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    const std::string path = (keys / row.path).string();
    const auto key = reader.read(path);
    CHECK((key ? "" : key.error().message) == (row.error.empty() ? "" : path + ": " + row.error));
  }
}

TEST_CASE("a key file that has not changed is not opened again") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "s.pem";
  write(path, vectors::kEd25519Pem, 0600);
  const KnownKeyFiles none;
  const auto first = KeyFileReader(none, KeyTrial::when_used).read(path.string());
  REQUIRE(first);
  const std::string name = path.string();
  const auto again = [&](bool settled) {
    const KnownKeyFiles known = {{name, KeyOfFile{first->mark, settled, first->key}}};
    return KeyFileReader(known, KeyTrial::when_used).read(name);
  };
  CHECK(again(true)->key == first->key);
  CHECK(again(false)->key != first->key);  // it may have changed within the moment
  // Whoever may read it now: a change of the mode counts as one of the file.
  fs::permissions(path, fs::perms::others_read, fs::perm_options::add);
  REQUIRE_FALSE(again(true));
  CHECK(again(true).error().message == name + ": open to others (mode 0604)");
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

TEST_CASE("whose key files and directories are taken (A155, A236)") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can give files away");
    return;
  }
  constexpr unsigned kDaemon = 12345;
  constexpr unsigned kGroup = 12346;
  constexpr unsigned kOther = 12399;
  const std::string foreign = "owned by neither root nor the user that runs this program";
  const struct {
    const char* why;
    unsigned owner, group;
    mode_t mode;
    unsigned directory_owner, directory_group;
    mode_t directory_mode;
    std::string refusal;  // DIR stands for the directory
  } rows[] = {
      {"the daemon's", kDaemon, kGroup, 0600, kDaemon, kGroup, 0750, ""},
      {"root's, for the daemon's group", 0, kGroup, 0640, 0, kGroup, 0750, ""},
      {"read-only", 0, kGroup, 0440, 0, 0, 0755, ""},
      {"the daemon's, in root's group but not for it", kDaemon, 0, 0600, 0, 0, 0755, ""},
      {"for root's group", kDaemon, 0, 0640, 0, 0, 0755,
       "open to group 0, which is not the group that runs this program (mode 0640)"},
      {"for another group", kDaemon, kOther, 0640, 0, 0, 0755,
       "open to group 12399, which is not the group that runs this program (mode 0640)"},
      {"for another group that may not even read", kDaemon, kOther, 0610, 0, 0, 0755,
       "open to group 12399, which is not the group that runs this program (mode 0610)"},
      {"our group may write", kDaemon, kGroup, 0660, 0, 0, 0755,
       "its group may write to it (mode 0660)"},
      {"another user's", kOther, kGroup, 0640, 0, 0, 0755, foreign},
      {"in another user's directory", kDaemon, kGroup, 0600, kOther, 0, 0755, "DIR is " + foreign},
      {"in another user's sticky directory", kDaemon, kGroup, 0600, kOther, 0, 01777,
       "DIR is " + foreign},
      {"in a directory for everybody", kDaemon, kGroup, 0600, 0, 0, 0777,
       "others may write to DIR"},
      {"in one for a group", kDaemon, kGroup, 0600, 0, kOther, 0775, "its group may write to DIR"},
      {"in one for our group", kDaemon, kGroup, 0600, 0, kGroup, 0770,
       "its group may write to DIR"},
      {"in a sticky one", kDaemon, kGroup, 0600, 0, 0, 01777, ""},
      {"in a sticky one for a group", kDaemon, kGroup, 0600, 0, kGroup, 01775, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const TemporaryFolder folder;
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    const fs::path directory = folder.path() / "keys";
    fs::create_directory(directory);
    const fs::path path = directory / "key.pem";
    write(path, vectors::kEd25519Pem, row.mode);
    REQUIRE(::chown(path.c_str(), row.owner, row.group) == 0);
    REQUIRE(::chown(directory.c_str(), row.directory_owner, row.directory_group) == 0);
    REQUIRE(::chmod(directory.c_str(), row.directory_mode) == 0);
    std::string expected = row.refusal;
    if (const auto at = expected.find("DIR"); at != std::string::npos)
      expected.replace(at, 3, directory.string());
    const Account daemon(kDaemon, kGroup);
    CHECK(refusal(path) == expected);
  }
}

TEST_CASE("each link on the way to a key file is walked (A236)") {
  const TemporaryFolder folder;
  const auto make_directory = [&](const char* name, mode_t mode) {
    const fs::path path = folder.path() / name;
    fs::create_directory(path);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  };
  const fs::path keys = make_directory("keys", 0700);
  const fs::path open = make_directory("open", 0777);
  const fs::path closed = make_directory("closed", 0755);
  write(keys / "key.pem", vectors::kEd25519Pem, 0600);
  fs::create_directory_symlink("../keys", open / "there");
  fs::create_directory_symlink(open / "there", closed / "over-open");
  fs::create_directory_symlink("../keys", closed / "there");
  fs::create_directory_symlink("../closed/there/../keys/.", closed / "back");
  fs::create_directory_symlink("loop", closed / "loop");
  fs::create_directory_symlink("nowhere", closed / "dangling");
  const struct {
    const char* why;
    fs::path path;
    std::string refusal;
  } rows[] = {
      {"a link in a good directory", closed / "there", ""},
      {"links with dots", closed / "back", ""},
      {"dots", closed / ".." / "keys" / ".", ""},
      {"a link in an open directory", open / "there", "others may write to " + open.string()},
      {"a link over such a link", closed / "over-open", "others may write to " + open.string()},
      {"a loop", closed / "loop", "Too many levels of symbolic links"},
      {"a link to nothing", closed / "dangling", "No such file or directory"},
      {"a file for a directory", keys / "key.pem",
       (keys / "key.pem").string() + ": Not a directory"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(refusal(row.path / "key.pem") == row.refusal);
  }
}

TEST_CASE("a link that another user has put in a sticky directory (A236)") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can give files away");
    return;
  }
  const TemporaryFolder folder;
  const fs::path keys = folder.path() / "keys";
  fs::create_directory(keys);
  write(keys / "key.pem", vectors::kEd25519Pem, 0600);
  const fs::path link = folder.path() / "link";
  fs::create_directory_symlink(keys, link);
  CHECK(refusal(link / "key.pem") == "");
  REQUIRE(::lchown(link.c_str(), 12399, 12399) == 0);
  CHECK(refusal(link / "key.pem") ==
        link.string() + " is owned by neither root nor the user that runs this program");
}

TEST_CASE("the access list of a key file counts, as credentials of systemd have it (A236)") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can give files away");
    return;
  }
  constexpr unsigned kDaemon = 12345;
  constexpr unsigned kGroup = 12346;
  const struct {
    const char* why;
    std::vector<Entry> list;
    std::string refusal;
  } rows[] = {
      // systemd.exec(5), LoadCredential=: root's, and the service's user may read.
      {"a credential",
       {{kUserObj, 4}, {kUser, 4, kDaemon}, {kGroupObj, 0}, {kMask, 4}, {kOther, 0}},
       ""},
      {"our group",
       {{kUserObj, 4}, {kGroupObj, 0}, {kGroupTag, 4, kGroup}, {kMask, 4}, {kOther, 0}},
       ""},
      {"root beside us",
       {{kUserObj, 4}, {kUser, 4, 0}, {kUser, 4, kDaemon}, {kGroupObj, 0}, {kMask, 4}, {kOther, 0}},
       ""},
      {"somebody whom the mask leaves nothing",
       {{kUserObj, 4},
        {kUser, 4, kDaemon},
        {kUser, 1, 12399},
        {kGroupObj, 0},
        {kMask, 4},
        {kOther, 0}},
       ""},
      {"somebody else",
       {{kUserObj, 4},
        {kUser, 4, kDaemon},
        {kUser, 4, 12399},
        {kGroupObj, 0},
        {kMask, 4},
        {kOther, 0}},
       "open to user 12399 by its access list"},
      {"another group",
       {{kUserObj, 4},
        {kUser, 4, kDaemon},
        {kGroupObj, 0},
        {kGroupTag, 4, 12399},
        {kMask, 4},
        {kOther, 0}},
       "open to group 12399 by its access list"},
      {"its own group, which is root's",
       {{kUserObj, 4}, {kUser, 4, kDaemon}, {kGroupObj, 4}, {kMask, 4}, {kOther, 0}},
       "open to group 0 by its access list"},
      {"somebody may write",
       {{kUserObj, 4}, {kUser, 6, kDaemon}, {kGroupObj, 0}, {kMask, 6}, {kOther, 0}},
       "its group, or somebody on its access list, may write to it (mode 0460)"},
      {"everybody may read",
       {{kUserObj, 4}, {kUser, 4, kDaemon}, {kGroupObj, 0}, {kMask, 4}, {kOther, 4}},
       "open to others (mode 0444)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const TemporaryFolder folder;
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    const fs::path path = folder.path() / "key.pem";
    write(path, vectors::kEd25519Pem, 0400);
    const std::string list = access_list(row.list);
    const int set =
        ::setxattr(path.c_str(), "system.posix_acl_access", list.data(), list.size(), 0);
    if (set != 0 && errno == ENOTSUP) {
      MESSAGE("skipped: no access lists on this file system");
      return;
    }
    REQUIRE(set == 0);
    const Account daemon(kDaemon, kGroup);
    CHECK(refusal(path) == row.refusal);
  }
}
