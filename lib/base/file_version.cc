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

/// Every bit of the number changes about half of those of the outcome (SplitMix64).
std::uint64_t mixed(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111eb;
  return number ^ (number >> 31U);
}

}  // namespace

SeenVersion version_of(const struct stat& status) {
  const FileVersion version{status.st_dev, status.st_ino, status.st_size,
                            nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
  return {version, now() - version.changed > kSettled};
}

Result<SeenVersion> version_of(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Error{error_text(errno)};
  return version_of(status);
}

FileMark mark_of(const FileVersion& version) {
  FileMark mark = version.device;
  for (const std::uint64_t part :
       {version.inode, static_cast<std::uint64_t>(version.octets),
        static_cast<std::uint64_t>(version.modified), static_cast<std::uint64_t>(version.changed)})
    mark = mixed(mark ^ part);
  return mark;
}

}  // namespace authmilter
