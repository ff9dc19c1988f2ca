#include "keys/key_permissions.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "base/file.h"

namespace authmilter {
namespace {

namespace fs = std::filesystem;

constexpr int kLinks = 40;  // as the kernel has it (path_resolution(7))
constexpr const char* kAccessList = "system.posix_acl_access";

std::string octal(mode_t mode) {
  std::string digits = "0";
  for (const unsigned shift : {6U, 3U, 0U}) {
    digits += static_cast<char>('0' + (mode >> shift & 7U));
  }
  return digits;
}

bool is_ours(uid_t owner, Keeper keeper) {
  if (owner == 0 || owner == ::geteuid()) return true;
  return keeper == Keeper::service_manager && ::geteuid() == 0;
}

/// What is wrong with a directory or link on the way; empty when nothing is.
std::string complaint(const struct stat& status, const fs::path& place, Keeper keeper) {
  if (!is_ours(status.st_uid, keeper)) {
    return place.string() + " is owned by neither root nor the user that runs this program";
  }
  if (S_ISLNK(status.st_mode)) return "";
  if (!S_ISDIR(status.st_mode)) return place.string() + ": " + error_text(ENOTDIR);
  // In a sticky directory only the owners of a file and of the directory can replace it.
  if ((status.st_mode & S_ISVTX) != 0) return "";
  if ((status.st_mode & S_IWOTH) != 0) return "others may write to " + place.string();
  if ((status.st_mode & S_IWGRP) != 0) return "its group may write to " + place.string();
  return "";
}

/// The components of a path, the last one first.
std::vector<std::string> reversed_components(const fs::path& path) {
  std::vector<std::string> components;
  for (const fs::path& component : path.relative_path()) {
    if (!component.empty() && component != ".")
      components.insert(components.begin(), component.string());
  }
  return components;
}

/// One entry of an access list, with the rights that the list's mask leaves.
struct AccessEntry {
  unsigned tag;
  unsigned rights;
  std::uint32_t id;
};

/// The access list in the form that the kernel hands out; nothing when it cannot be read.
std::optional<std::vector<AccessEntry>> parse_access_list(const std::uint8_t* octets,
                                                          std::size_t size) {
  posix_acl_xattr_header header{};
  posix_acl_xattr_entry raw{};
  if (size < sizeof header || (size - sizeof header) % sizeof raw != 0) return std::nullopt;
  std::memcpy(&header, octets, sizeof header);
  if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION) return std::nullopt;
  std::vector<AccessEntry> entries;
  unsigned mask = ACL_READ | ACL_WRITE | ACL_EXECUTE;
  for (std::size_t at = sizeof header; at < size; at += sizeof raw) {
    std::memcpy(&raw, octets + at, sizeof raw);
    entries.push_back({le16toh(raw.e_tag), le16toh(raw.e_perm), le32toh(raw.e_id)});
    if (entries.back().tag == ACL_MASK) mask = entries.back().rights;
  }
  for (AccessEntry& entry : entries) entry.rights &= mask;
  return entries;
}

/// Somebody whom a list lets at the file and who is not one of ours; empty when there is nobody.
std::string stranger(const std::vector<AccessEntry>& entries, const struct stat& status,
                     Keeper keeper) {
  for (const AccessEntry& entry : entries) {
    if (entry.rights == 0) continue;
    if (entry.tag == ACL_USER && !is_ours(entry.id, keeper))
      return "user " + std::to_string(entry.id);
    const bool owning = entry.tag == ACL_GROUP_OBJ;
    if (!owning && entry.tag != ACL_GROUP) continue;
    const gid_t group = owning ? status.st_gid : entry.id;
    if (group != ::getegid()) return "group " + std::to_string(group);
  }
  return "";
}

/// For a file whose mode lets a group, or somebody on a list, at it.
Status check_group(int descriptor, const struct stat& status, const std::string& name,
                   Keeper keeper) {
  const std::string mode = " (mode " + octal(status.st_mode) + ")";
  std::array<std::uint8_t, 4096> octets{};
  const ssize_t size = ::fgetxattr(descriptor, kAccessList, octets.data(), octets.size());
  if (size < 0 && (errno == ENODATA || errno == ENOTSUP)) {
    if ((status.st_mode & S_IWGRP) != 0) return Error{name + ": its group may write to it" + mode};
    if (status.st_gid == ::getegid()) return Done{};
    return Error{name + ": open to group " + std::to_string(status.st_gid) +
                 ", which is not the group that runs this program" + mode};
  }
  const auto entries =
      size < 0 ? std::nullopt : parse_access_list(octets.data(), static_cast<std::size_t>(size));
  if (!entries) return Error{name + ": its access list cannot be read"};
  if ((status.st_mode & S_IWGRP) != 0) {
    return Error{name + ": its group, or somebody on its access list, may write to it" + mode};
  }
  const std::string who = stranger(*entries, status, keeper);
  if (!who.empty()) return Error{name + ": open to " + who + " by its access list"};
  return Done{};
}

Status check_key_file(int descriptor, struct stat& status, const std::string& name, Keeper keeper) {
  if (::fstat(descriptor, &status) != 0) return Error{name + ": " + error_text(errno)};
  if (!S_ISREG(status.st_mode)) return Error{name + ": not a regular file"};
  if (!is_ours(status.st_uid, keeper)) {
    return Error{name + ": owned by neither root nor the user that runs this program"};
  }
  if ((status.st_mode & S_IRWXO) != 0)
    return Error{name + ": open to others (mode " + octal(status.st_mode) + ")"};
  if ((status.st_mode & S_IRWXG) != 0) return check_group(descriptor, status, name, keeper);
  return Done{};
}

}  // namespace

Result<fs::path> check_way_to(const fs::path& path, const std::string& name, Keeper keeper) {
  fs::path directory = "/";
  auto left = reversed_components(path.parent_path());
  int links = 0;
  struct stat status {};
  if (::lstat("/", &status) != 0) return Error{name + ": /: " + error_text(errno)};
  while (true) {
    if (const auto wrong = complaint(status, directory, keeper); !wrong.empty())
      return Error{name + ": " + wrong};
    if (left.empty()) return directory;
    const std::string component = left.back();
    left.pop_back();
    const fs::path next = component == ".." ? directory.parent_path() : directory / component;
    if (::lstat(next.c_str(), &status) != 0) return Error{name + ": " + error_text(errno)};
    if (!S_ISLNK(status.st_mode)) {
      directory = next;
      continue;
    }
    if (const auto wrong = complaint(status, next, keeper); !wrong.empty())
      return Error{name + ": " + wrong};
    std::error_code error;
    const fs::path target = fs::read_symlink(next, error);
    if (error || ++links > kLinks)
      return Error{name + ": " + error_text(error ? error.value() : ELOOP)};
    const auto more = reversed_components(target);
    left.insert(left.end(), more.begin(), more.end());
    if (target.is_absolute()) directory = "/";
    if (::lstat(directory.c_str(), &status) != 0) return Error{name + ": " + error_text(errno)};
  }
}

Result<fs::path> check_way_below(const fs::path& checked, const fs::path& directory,
                                 const std::string& name, Keeper keeper) {
  struct stat status {};
  const fs::path place = checked / directory.filename();
  if (::lstat(place.c_str(), &status) != 0 || S_ISLNK(status.st_mode))
    return check_way_to(directory / "", name, keeper);
  if (const auto wrong = complaint(status, place, keeper); !wrong.empty())
    return Error{name + ": " + wrong};
  return place;
}

Result<OpenKeyFile> open_key_file(const std::string& path, const std::string& name, Keeper keeper) {
  // Neither a link nor a FIFO nor a terminal can make us wait or lead elsewhere.
  OpenKeyFile file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (file.descriptor < 0 && errno == ELOOP)
    return Error{name + ": a symbolic link, not a regular file"};
  if (file.descriptor < 0) return Error{name + ": " + error_text(errno)};
  const Status checked = check_key_file(file.descriptor, file.status, name, keeper);
  if (checked) return file;
  ::close(file.descriptor);
  return checked.error();
}

}  // namespace authmilter
