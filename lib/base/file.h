#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

#include <authmilter/result.h>

namespace authmilter {

/// One of errno's values in words. Thread-safe, one line.
std::string error_text(int error);

/// A regular file's octets; of all else that a path can name it is an error. Never waits. The error
/// says the
/// reason only: callers put in front what they read it for.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t most_octets);

/// The same of an open file, which is read from where it stands.
Result<std::string> read_file(int descriptor, std::size_t most_octets);
/// The same of a regular file of which a look has shown `expected` octets: its end is not asked for
/// when they have come.
Result<std::string> read_file(int descriptor, std::size_t most_octets, off_t expected);

}  // namespace authmilter
