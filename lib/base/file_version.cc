#include "base/file_version.h"

#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "base/file.h"

namespace authmilter {
namespace {

// File systems count in anything from nanoseconds to two seconds.
constexpr std::int64_t kSettled = 3'000'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

}  // namespace

Result<SeenVersion> version_of(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Error{error_text(errno)};
  const FileVersion version{status.st_dev, status.st_ino, status.st_size,
                            nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
  return SeenVersion{version, now() - version.changed > kSettled};
}

}  // namespace authmilter
