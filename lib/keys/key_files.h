#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <authmilter/crypto.h>
#include <authmilter/file_version.h>
#include <authmilter/private_key.h>
#include <authmilter/result.h>

#include "base/locked.h"

namespace authmilter {

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

/// Reads the files of one ring: none again whose key a ring before has already, and of files with
/// the same content the key once. Only for one run over a configuration: what is known of a
/// directory does not get old.
class KeyFileReader {
 public:
  /// `previous` (may be null) is borrowed.
  explicit KeyFileReader(const KeyFiles* previous) : previous_(previous) {}

  /// As read_key_file() of the path `name`. Thread-safe.
  Result<KeyOfFile> read(const std::string& name);

 private:
  /// The directory that the file lies in, without links; each is looked at once.
  Result<std::filesystem::path> directory_of(const std::filesystem::path& path,
                                             const std::string& name);
  Result<std::shared_ptr<const PrivateKey>> key_of(std::string_view pem, const std::string& name);

  const KeyFiles* previous_;
  Locked<std::unordered_map<std::string, std::filesystem::path>> directories_;
  Locked<std::map<Sha256Digest, std::shared_ptr<const PrivateKey>>> keys_;  // by content
};

}  // namespace authmilter
