#pragma once

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

}  // namespace authmilter
