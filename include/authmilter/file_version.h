#pragma once

#include <cstdint>

namespace authmilter {

/// What tells a file from another one, and from itself with other content.
struct FileVersion {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t octets = 0;
  std::int64_t modified = 0;  // nanoseconds since 1970
  std::int64_t changed = 0;   // of what is known about the file too, its mode and owner
  bool operator==(const FileVersion&) const = default;
};

}  // namespace authmilter
