#pragma once

#include <sys/stat.h>

#include <cstdint>

#include <authmilter/file_version.h>
#include <authmilter/result.h>

namespace authmilter {

/// A version of a file, and whether a later one will be seen to differ from it.
struct SeenVersion {
  FileVersion version;
  /// The file had been as it was for longer than its times are exact: one that is written just
  /// after it was read may bear the same times.
  bool settled = false;
};

/// The version of an open file. Asks the clock.
Result<SeenVersion> version_of(int descriptor);
/// The same of a file that has been looked at just now.
SeenVersion version_of(const struct stat& status);

/// A version in the room of one number, for where there are very many: other versions have the same
/// mark once in 2^64.
using FileMark = std::uint64_t;
FileMark mark_of(const FileVersion& version);

}  // namespace authmilter
