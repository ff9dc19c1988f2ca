#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>

#include <authmilter/private_key.h>
#include <authmilter/result.h>

namespace authmilter {

/// What tells a file from another one, and from itself with other content.
struct FileVersion {
  dev_t device = 0;
  ino_t inode = 0;
  off_t octets = 0;
  std::int64_t modified = 0;  // nanoseconds since 1970
  std::int64_t changed = 0;   // of what is known about the file too, its mode and owner
  bool operator==(const FileVersion&) const = default;
};

/// A key and the file that it was read from.
struct KeyOfFile {
  FileVersion version;
  /// The file had been as it was for longer than its times are exact: one that is written just
  /// after it was read may bear the same times.
  bool settled = false;
  std::shared_ptr<const PrivateKey> key;
};

/// The keys of one ring, by the path of their files.
struct KeyFiles {
  std::unordered_map<std::string, KeyOfFile> by_path;
};

/// Reads the files of one ring: each once, and none again whose key a ring before has already. For
/// one run over a configuration; not thread-safe.
class KeyFileReader {
 public:
  /// `previous` (may be null) is borrowed.
  explicit KeyFileReader(const KeyFiles* previous) : previous_(previous) {}

  /// As read_key_file().
  Result<std::shared_ptr<const PrivateKey>> read(const std::filesystem::path& path);
  /// What was read; afterwards the reader is spent.
  KeyFiles take() { return std::move(files_); }

 private:
  Result<KeyOfFile> read_anew(const std::filesystem::path& path, const std::string& name);
  /// The directory that the file lies in, without links; each is looked at once.
  Result<std::filesystem::path> directory_of(const std::filesystem::path& path,
                                             const std::string& name);

  const KeyFiles* previous_;
  KeyFiles files_;
  std::unordered_map<std::string, std::filesystem::path> directories_;
};

}  // namespace authmilter
