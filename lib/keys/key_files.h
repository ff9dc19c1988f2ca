#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <authmilter/crypto.h>
#include <authmilter/private_key.h>
#include <authmilter/result.h>

#include "base/file_version.h"
#include "base/locked.h"
#include "keys/key_permissions.h"

namespace authmilter {

/// A key and the file that it was read from.
struct KeyOfFile {
  FileMark mark = 0;
  /// The file had been as it was for longer than its times are exact: one that is written just
  /// after it was read may bear the same times.
  bool settled = false;
  std::shared_ptr<const PrivateKey> key;
};

/// When a key is tried: as soon as it is read, or, where there are very many, when it is first
/// used.
enum class KeyTrial : std::uint8_t { when_read, when_used };

/// The keys that a ring before has, by the path of their files. The texts are borrowed.
using KnownKeyFiles = std::unordered_map<std::string_view, KeyOfFile>;

/// Reads the files of one ring: none again whose key a ring before has already, and of files with
/// the same content the key once. Only for one run over a configuration: what is known of a
/// directory does not get old.
class KeyFileReader {
 public:
  /// `previous` is borrowed.
  KeyFileReader(const KnownKeyFiles& previous, KeyTrial trial,
                Keeper keeper = Keeper::administrator)
      : previous_(previous), trial_(trial), keeper_(keeper) {}
  /// So many will probably be read.
  void expect(std::size_t files);

  /// As read_key_file() of the path `name`. Thread-safe.
  Result<KeyOfFile> read(const std::string& name);

 private:
  /// The directory that the file at an absolute path lies in, without links; each is looked at
  /// once.
  Result<const std::string*> directory_of(std::string_view path, const std::string& name);
  Result<std::shared_ptr<const PrivateKey>> key_of(std::string_view pem, const std::string& name);

  const KnownKeyFiles& previous_;
  const KeyTrial trial_;
  const Keeper keeper_;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  std::shared_mutex directories_lock_;
  /// Without links, by what was written.
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> directories_;
  struct Hash {
    std::size_t operator()(const Sha256Digest& digest) const noexcept {
      std::size_t hash = 0;
      std::memcpy(&hash, digest.data(), sizeof hash);
      return hash;
    }
  };
  /// By content.
  using Keys = std::unordered_map<Sha256Digest, std::shared_ptr<const PrivateKey>, Hash>;
  std::array<Locked<Keys>, 16> keys_;  // by the last octet, so that threads seldom meet
};

}  // namespace authmilter
