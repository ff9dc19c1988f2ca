#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace authmilter {

/// What a small file of the system holds, or why that is not known.
struct FileText {
  /// missing: there is no such file, or only a link to none. unreadable: anything else.
  enum class Status : std::uint8_t { read, missing, unreadable };
  Status status = Status::missing;
  std::string text;
  std::string problem;  // unless it was read: a phrase without the name
};

/// Reads a regular file of at most `most_octets`. Never waits, whatever `path` is.
FileText read_small_file(const std::string& path, std::size_t most_octets);

}  // namespace authmilter
