#include <authmilter/key_states.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "base/descriptor.h"
#include "base/file.h"

namespace authmilter {
namespace {

Error failure(const std::filesystem::path& path, int error) {
  return Error{path.string() + ": " + error_text(error)};
}

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

/// As far as we may: who is not root keeps its own user.
void take_over_owner(int descriptor, const struct stat& old) {
  if (::fchown(descriptor, old.st_uid, old.st_gid) != 0 &&
      ::fchown(descriptor, static_cast<uid_t>(-1), old.st_gid) != 0) {
    return;
  }
}

/// What has been renamed survives a crash when its directory is on the disk. One that we may write
/// but not read, or whose file system knows no such thing, is left to the file system.
int keep(const std::filesystem::path& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.open() || ::fsync(opened.get()) == 0) return 0;
  return errno == EINVAL || errno == ENOTSUP || errno == EROFS ? 0 : errno;
}

}  // namespace

Result<Replaced> replace_file(const std::filesystem::path& path, std::string_view text,
                              Links links) {
  constexpr mode_t kMode = 0644;
  std::error_code ignored;
  const auto resolved = links == Links::followed ? std::filesystem::canonical(path, ignored)
                                                 : std::filesystem::path();
  const std::filesystem::path target = resolved.empty() ? path : resolved;
  struct stat old {};
  const bool there = ::lstat(target.c_str(), &old) == 0;
  // Root that writes to /dev/full or /dev/null would put a file in the place of the device.
  if (there && !S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode))
    return S_ISDIR(old.st_mode) ? failure(path, EISDIR)
                                : Error{path.string() + ": not a regular file"};
  const bool exists = there && S_ISREG(old.st_mode);
  const std::string temporary =
      (target.parent_path() / ("." + target.filename().string() + ".new"));
  ::unlink(temporary.c_str());  // of a run that was cut off
  int error = 0;
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.open()) return failure(path, errno);
    if (exists) take_over_owner(file.get(), old);
    error = ::fchmod(file.get(), exists ? old.st_mode & 07777U : kMode) == 0 ? 0 : errno;
    if (error == 0) error = write_all(file.get(), text);
  }
  if (error == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    return failure(path, error);
  }
  // From here on readers find the new text: whoever undid what belongs to it would do harm.
  const int late = keep(target.parent_path().empty() ? "." : target.parent_path());
  return Replaced{late == 0 ? "" : failure(path, late).message};
}

}  // namespace authmilter
